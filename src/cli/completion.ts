import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const NAME = 'kubectl-stepwise';

/** A script that completes commands and flags, made from the commands themselves. */
export function completionFor(program: Command, shell: Shell): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    words: [...command.commands.map((each) => each.name()), ...flagsOf(command)],
  }));
  if (shell === 'fish') {
    return commands
      .flatMap(({ name, description, words }) => [
        `complete -c ${NAME} -f -n __fish_use_subcommand -a ${name} -d '${description}'`,
        `complete -c ${NAME} -n '__fish_seen_subcommand_from ${name}' -a '${words.join(' ')}'`,
      ])
      .map((line) => `${line}\n`)
      .join('');
  }
  const cases = commands.map(({ name, words }) => `    ${name}) words="${words.join(' ')}" ;;`).join('\n');
  // zsh runs the script of bash.
  const head = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${head}_kubectl_stepwise() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${commands.map(({ name }) => name).join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _kubectl_stepwise ${NAME}
`;
}

function flagsOf(command: Command): readonly string[] {
  return command.options
    .flatMap(({ short, long }) => [short, long])
    .filter((flag) => flag !== undefined && flag !== null);
}
