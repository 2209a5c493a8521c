/** A chart of cells, a row a loader and a column a step: exact numbers where lines of many loaders would cover each other. */
import type { ChartKind, ChartUnit, Drawn, Place } from './page-types.js';

export interface Grid {
  readonly kind: ChartKind;
  readonly unit: ChartUnit;
  readonly title: string;
  readonly note: string;
  readonly places: readonly Place[];
  /** As a table and a wide drawing name them, and as a narrow one does. */
  readonly columns: readonly { readonly name: string; readonly brief: string }[];
  readonly rows: readonly {
    readonly label: string;
    readonly name: string;
    /** By column; null where nothing was measured. */
    readonly cells: readonly ({ readonly value: number; readonly text: string; readonly told: string } | null)[];
  }[];
}

export function gridChart({ columns, rows, ...of }: Grid): Drawn {
  const values = rows.flatMap(({ cells }) => cells.flatMap((cell) => cell?.value ?? []));
  const logs = values.filter((value) => value > 0).map(Math.log);
  const least = Math.min(...logs);
  const most = Math.max(...logs);
  return {
    ...of,
    data: rows.flatMap(({ label, name, cells }, order) =>
      cells.flatMap((cell, step) =>
        cell === null
          ? []
          : [
              {
                ...{
                  part: 'cell',
                  loader: name,
                  order,
                  step,
                  column: columns[step]?.name ?? '',
                  brief: columns[step]?.brief ?? '',
                  text: cell.text,
                },
                value: cell.value,
                // By ratio, as the numbers themselves are compared.
                shade: most > least && cell.value > 0 ? (Math.log(cell.value) - least) / (most - least) : 0,
                tip: `${label}\n${columns[step]?.name ?? ''}: ${cell.told}`,
              },
            ],
      ),
    ),
    table: {
      head: ['Loader', ...columns.map(({ name }) => name)],
      rows: rows.map(({ label, cells }) => [label, ...columns.map((_, step) => cells[step]?.told ?? '–')]),
    },
  };
}
