/** Who must act so that the same request succeeds. `machine`: nobody, send it again later. */
export type Actor = 'caller' | 'operator' | 'machine' | 'author';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly actor: Actor;
  readonly whatToDo: string;
}
