/** Figures as people read them. */

export function percent(fraction: number): string {
  const value = fraction * 100;
  const digits = Math.abs(value) < 10 && Math.abs(value) >= 0.05 ? 1 : 0;
  return `${value.toFixed(digits).replace(/^-0(\.0)?$/, '0')}%`;
}

export function signedPercent(fraction: number): string {
  const text = percent(fraction);
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole}s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 48) return rest === 0 ? `${hours}h` : `${hours}h${String(rest).padStart(2, '0')}m`;
  return `${Math.round(hours / 24)}d`;
}

/** Three significant digits, no exponent, thousands separated. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

export function money(value: number, currency: string): string {
  const sign = currency === 'USD' ? '$' : `${currency} `;
  if (!Number.isFinite(value)) return 'unknown';
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 0.1 ? 2 : 4;
  return `${sign}${value.toFixed(digits)}`;
}
