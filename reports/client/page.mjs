/**
 * What a report does in a browser: draws each chart anew when it comes into sight, as wide as there is room, tells of what
 * is pointed at, and filters. Everything that a run named stays data here: it becomes text, never markup or code.
 */
(() => {
  const { vega, weighbridgeExpressions: expressions } = globalThis;
  const { charts, specs } = JSON.parse(document.getElementById('data').textContent);
  const root = document.documentElement;
  const tip = document.getElementById('tip');
  const NARROW = 620;
  const isMissing = (value) => value === null || value === undefined;

  // Vega would make functions of its expressions; they are here already, so that the page needs no eval.
  const functionOf = (context, code) => {
    const found = expressions[code];
    if (found === undefined) throw new Error(`the page lacks an expression of its charts: ${code}`);
    return found.bind(context.functions);
  };
  const swaps = new Set(['group', 'image', 'rect']);
  const fit = (item, channels, mark) => {
    if (mark === 'rule') return;
    for (const [from, to, size, center] of [
      ['x', 'x2', 'width', 'xc'],
      ['y', 'y2', 'height', 'yc'],
    ]) {
      if (to in channels) {
        if (from in channels) {
          if (swaps.has(mark) && item[from] > item[to]) [item[from], item[to]] = [item[to], item[from]];
          item[size] = item[to] - item[from];
        } else item[from] = item[to] - (item[size] || 0);
      }
      if (center in channels) item[from] = item[center] - (item[size] || 0) / 2;
    }
  };
  const evaluator = {
    operator: (context, { code }) => {
      const of = functionOf(context, code);
      return (parameters) => of(parameters);
    },
    parameter: (context, { code }) => {
      const of = functionOf(context, code);
      return (datum, parameters) => of(parameters, datum);
    },
    event: (context, { code }) => {
      const of = functionOf(context, code);
      return (event) => of(undefined, undefined, event);
    },
    handler: (context, { code }) => {
      const of = functionOf(context, code);
      return (parameters, event) => of(parameters, event.item && event.item.datum, event);
    },
    encode: (context, { marktype, channels }) => {
      const each = Object.entries(channels).map(([name, { code }]) => [name, functionOf(context, code)]);
      return (item, parameters) => {
        let modified = 0;
        for (const [name, of] of each) {
          const value = of(parameters, item.datum, undefined, item);
          if (item[name] !== value) {
            item[name] = value;
            modified = 1;
          }
        }
        fit(item, channels, marktype);
        return modified;
      };
    },
    codegen: {
      get: (path) => (object) => path.reduce((inner, key) => inner[key], object),
      comparator: (fields, orders) => (a, b) => {
        for (let at = 0; at < fields.length; at++) {
          const [u, v] = [fields[at](a), fields[at](b)];
          if ((u < v || isMissing(u)) && !isMissing(v)) return -orders[at];
          if ((u > v || isMissing(v)) && !isMissing(u)) return orders[at];
        }
        return 0;
      },
    },
  };

  const showTip = (_handler, event, _item, value) => {
    if (isMissing(value) || value === '') {
      tip.hidden = true;
      return;
    }
    tip.textContent = String(value);
    tip.hidden = false;
    const { clientX: x, clientY: y } = event.changedTouches ? event.changedTouches[0] : event;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 4))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
  };
  addEventListener('scroll', () => (tip.hidden = true), { passive: true });

  const filter = { words: [], shown: () => true };
  const matches = (name) => filter.words.length === 0 || filter.words.some((word) => name.toLowerCase().includes(word));
  const rowsOf = (chart) => chart.data.filter(({ loader }) => loader === null || matches(loader));

  const drawings = new Map();

  const draw = async (drawing) => {
    const { chart, figure } = drawing;
    const box = figure.querySelector('.drawing');
    const width = Math.floor(box.clientWidth);
    if (width === 0) return;
    const rows = rowsOf(chart);
    const empty = !rows.some(({ loader }) => loader !== null);
    figure.querySelector('.empty').hidden = !empty;
    const live = figure.querySelector('.live');
    live.hidden = empty;
    const variant = width < NARROW ? 'narrow' : 'wide';
    drawing.drawnWidth = width;
    if (drawing.view !== null) drawing.view.finalize();
    drawing.view = null;
    if (!empty) {
      const spec = structuredClone(specs[`${chart.kind} ${chart.unit} ${chart.moment ?? 'first token'} ${variant}`]);
      spec.data.find(({ name }) => name === 'rows').values = rows;
      const view = new vega.View(vega.parse(spec), { expr: evaluator, renderer: 'svg', tooltip: showTip });
      drawing.view = view;
      await view.width(width).initialize(live).runAsync();
      const svg = live.querySelector('svg');
      svg.setAttribute('aria-label', document.getElementById(`${chart.id}-title`).textContent);
      // Layers that have no marks here would be announced as images without a name.
      for (const layer of svg.querySelectorAll('[role="graphics-symbol"]:empty')) {
        if (!layer.hasAttribute('aria-label')) layer.removeAttribute('role');
      }
    }
    figure.querySelector('.static').hidden = true;
    figure.dataset.drawn = variant;
  };

  // One after the other, so that the page answers meanwhile.
  let queue = Promise.resolve();
  const enqueue = (drawing) => {
    queue = queue
      .then(() => draw(drawing))
      .catch((error) => {
        drawing.figure.dataset.failed = 'true';
        console.error(error);
      });
    return queue;
  };

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const drawing = drawings.get(target.id);
        if (!isIntersecting || drawing === undefined || drawing.seen) continue;
        drawing.seen = true;
        enqueue(drawing);
      }
    },
    { rootMargin: '600px' },
  );
  for (const chart of charts) {
    const figure = document.getElementById(chart.id);
    drawings.set(chart.id, { chart, figure, view: null, seen: false, drawnWidth: 0 });
    sight.observe(figure);
  }

  let waiting;
  addEventListener('resize', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const drawing of drawings.values()) {
        const { clientWidth } = drawing.figure.querySelector('.drawing');
        if (drawing.seen && Math.floor(clientWidth) !== drawing.drawnWidth) enqueue(drawing);
      }
    }, 150);
  });

  root.classList.add('js');
  const search = document.getElementById('loaders');
  // Pages of several runs have no filter.
  if (search === null) return;
  const boxes = [...document.querySelectorAll('.filters input[type=checkbox]')];
  const status = document.getElementById('shown');
  const apply = () => {
    filter.words = search.value
      .toLowerCase()
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    const off = boxes.filter((box) => !box.checked);
    const isShown = (places) =>
      places.length === 0 ||
      places.some((place) => off.every(({ name, value }) => String(place[name] ?? '') !== value));
    for (const item of document.querySelectorAll('[data-places]')) {
      item.hidden = !isShown(JSON.parse(item.dataset.places));
    }
    for (const section of document.querySelectorAll('section.kind')) {
      section.hidden = [...section.querySelectorAll('figure')].every(({ hidden }) => hidden);
    }
    for (const row of document.querySelectorAll('figure tbody tr')) {
      row.hidden = !matches(row.cells[0].textContent);
    }
    for (const drawing of drawings.values()) if (drawing.seen) enqueue(drawing);
    const figures = [...drawings.values()].filter(({ figure }) => !figure.hidden).length;
    status.textContent = `${figures} of ${drawings.size} charts shown`;
  };
  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(apply, 150);
  });
  for (const box of boxes) box.addEventListener('change', apply);
})();
