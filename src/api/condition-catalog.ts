/** What each condition means and the reasons it may give: the source of the types and of the reference page. */
export type ConditionCatalog = Readonly<
  Record<string, { readonly meaning: string; readonly reasons: Readonly<Record<string, string>> }>
>;

export type ConditionTypeOf<C extends ConditionCatalog> = keyof C & string;
export type ReasonOf<C extends ConditionCatalog, T extends ConditionTypeOf<C>> = keyof C[T]['reasons'] & string;
