#include "sample.h"

#include <algorithm>
#include <new>
#include <numeric>

#include "digest.h"
#include "kernel/touch.h"
#include "probes/numa_node.h"
#include "probes/page_cache.h"

namespace weighbridge {

namespace {

// A moment between two phases: the earlier one ended at `reached_ns`, the later one begins at `left_ns`. In between only
// counters were read (a few µs), which belong to neither phase; intervals that span the moment, such as ttft, hold them.
struct Mark {
  int64_t reached_ns;
  Counters counters;
  int64_t left_ns;
};

Mark mark(const CounterReader& reader) {
  Mark moment = {now_ns(), {}, 0};
  moment.counters = reader.read();
  moment.left_ns = now_ns();
  return moment;
}

PhaseCost between(const Mark& from, const Mark& to) {
  PhaseCost cost = {
      .ns = static_cast<uint64_t>(to.reached_ns - from.left_ns),
      .minor_faults = to.counters.minor_faults - from.counters.minor_faults,
      .major_faults = to.counters.major_faults - from.counters.major_faults,
      .user_ns = to.counters.user_ns - from.counters.user_ns,
      .system_ns = to.counters.system_ns - from.counters.system_ns,
      .read_bytes = std::nullopt,
  };
  if (from.counters.read_bytes && to.counters.read_bytes) {
    cost.read_bytes = *to.counters.read_bytes - *from.counters.read_bytes;
  }
  return cost;
}

uint64_t bytes_of(std::span<const TensorRange> ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), uint64_t{0},
                         [](uint64_t sum, const TensorRange& range) { return sum + range.bytes; });
}

std::optional<uint64_t> resident(std::span<const std::string> paths) {
  const Residency reading = residency(paths);
  if (reading.source == ResidencySource::none) return std::nullopt;
  return reading.resident;
}

// The moments of a traced sample, and each tensor's pages at two of them.
class Timeline {
 public:
  Timeline(const gguf::Model& model, bool residency_known) : known_(residency_known) {
    trace_.tensors = traced_tensors(model);
  }
  void phase(const char* name, const Mark& from, const Mark& to) {
    trace_.phases.push_back({name, from.left_ns, to.reached_ns});
  }
  void look(const Weights& weights, std::optional<uint64_t> TracedTensor::* when) {
    if (!known_) return;
    for (TracedTensor& tensor : trace_.tensors) tensor.*when = resident_bytes(weights, tensor.range);
  }
  Trace& trace() { return trace_; }

 private:
  bool known_;
  Trace trace_;
};

// Writes a byte and awaits one.
void exchange(const Barrier& barrier, char byte) {
  ssize_t done = 0;
  do {
    done = ::write(barrier.ready_fd, &byte, 1);
  } while (done < 0 && errno == EINTR);
  char answer = 0;
  if (done == 1) {
    do {
      done = ::read(barrier.release_fd, &answer, 1);
    } while (done < 0 && errno == EINTR);
  }
  if (done != 1) {
    throw Error(Reason{.code = "interrupted", .operation = "barrier", .message = "the parent process went away"});
  }
}

// Where the memory of a process that is bound to a node came from: what was in the page cache before lies where it lay.
void tell_node(uint32_t node, SampleResult& result) {
  const std::optional<NodeBytes> bytes = bytes_on_node(node);
  if (!bytes) {
    result.warnings.push_back("the kernel does not tell on which NUMA node memory lies");
    return;
  }
  result.effective["boundNodeBytes"] = static_cast<int64_t>(bytes->on_node);
  result.effective["otherNodeBytes"] = static_cast<int64_t>(bytes->elsewhere);
  if (bytes->elsewhere > bytes->on_node / 20) {
    result.warnings.push_back(std::to_string(bytes->elsewhere) + " bytes that the process had mapped lie on other NUMA nodes than " +
                              std::to_string(node));
  }
}

}  // namespace

BarrierTimes pass(const Barrier& barrier) {
  const int64_t ready = now_ns();
  exchange(barrier, 'R');
  return {ready, now_ns()};
}

void meet(const Barrier& barrier) { exchange(barrier, 'P'); }

int32_t prompt_token(uint32_t index, int32_t bos, uint32_t vocabulary) noexcept {
  if (index == 0) return bos;
  const uint32_t m = std::min<uint32_t>(500, std::max<uint32_t>(vocabulary, 4) - 3);
  return static_cast<int32_t>(std::min<uint64_t>(3 + 37 * uint64_t{index} % m, vocabulary - 1));
}

int32_t decode_token(uint32_t index, uint32_t vocabulary) noexcept {
  const uint32_t m = std::min<uint32_t>(500, std::max<uint32_t>(vocabulary, 4) - 3);
  return static_cast<int32_t>(std::min<uint64_t>(3 + 53 * uint64_t{index} % m, vocabulary - 1));
}

SampleResult run_sample(const SampleSpec& spec) {
  SampleResult result = {};
  const CounterReader reader;
  const Loader& chosen = loader(spec.mechanism);
  result.inferred = chosen.keeps && spec.work == Work::infer;
  const bool bound = !chosen.keeps && spec.mechanism != "null";
  const bool probing = spec.pass != Pass::time;
  const uint32_t vocabulary = spec.shape ? spec.shape->vocabulary : 0;

  // Setup: threads, KV cache, scratch, a row of logits for each that is kept; all touched before the clock starts. To
  // touch weights takes the threads alone.
  const Mark setup_begin = mark(reader);
  std::unique_ptr<Session> session;
  std::unique_ptr<Toucher> toucher;
  std::vector<float> first_row, row;
  std::vector<int32_t> prompt;
  if (chosen.keeps && spec.work == Work::touch) toucher = std::make_unique<Toucher>(spec.threads);
  if (result.inferred) {
    session = std::make_unique<Session>(spec.shape.value(), spec.context, spec.batch, spec.threads, spec.isa);
    result.session = session->allocated();
    first_row.assign(vocabulary, 0.0f);
    row.assign(vocabulary, 0.0f);
  }
  result.per_token_ns.reserve(uint64_t{1} + spec.generate);
  prompt.reserve(spec.prompt);
  const Mark setup_end = mark(reader);
  result.setup = between(setup_begin, setup_end);
  result.spin_before_ns = spin_ns();
  // Before the baseline, so that the watching thread's own memory is not charged to the loader.
  std::optional<PeakWatch> watch;
  if (spec.pass == Pass::memory) watch.emplace();
  if (spec.held) meet(spec.barrier);
  result.baseline = read_memory();

  result.barrier = pass(spec.barrier);

  // Between start and the first logits only the clock, getrusage and /proc/self/io are read; in the other passes slower
  // probes come in between, and then there is no ttft.
  const Mark start = mark(reader);
  result.start_at_ns = start.left_ns;
  const gguf::Model model = gguf::parse(spec.path);
  std::vector<Part> parts;
  std::vector<std::string> paths;
  for (const gguf::Part& part : model.parts) {
    parts.push_back({part.path, part.bytes});
    paths.push_back(part.path);
  }
  const std::vector<TensorRange> order = forward_order(model);
  const TouchOrder touched = toucher ? touch_order(model) : TouchOrder{};
  const Mark opened = mark(reader);
  result.open = between(start, opened);
  if (spec.pass == Pass::memory) result.resident_opened = resident(paths);
  std::optional<Timeline> timeline;
  if (spec.pass == Pass::trace && (session || toucher)) {
    // Who may not know the page cache's content is told by mincore(2) that all of it is there.
    timeline.emplace(model, resident(paths).has_value());
    timeline->phase("setup", setup_begin, setup_end);
    timeline->phase("held at the start", setup_end, start);
    timeline->phase("open", start, opened);
  }

  const Mark acquire_begin = probing ? mark(reader) : opened;
  std::unique_ptr<Weights> weights = chosen.load(parts, order, spec.options);
  const Mark acquired = mark(reader);
  result.acquire = between(acquire_begin, acquired);
  if (spec.pass == Pass::memory) {
    if (spec.held) meet(spec.barrier);
    result.loaded = read_memory();
    result.resident_loaded = resident(paths);
    if (spec.held) meet(spec.barrier);
  }
  TracingWeights* tracing = nullptr;
  if (timeline) {
    timeline->phase("acquire", acquire_begin, acquired);
    timeline->look(*weights, &TracedTensor::resident_loaded);
    auto traced = std::make_unique<TracingWeights>(std::move(weights), 2 * order.size());
    tracing = traced.get();
    weights = std::move(traced);
    tracing->record();
  }

  const int32_t bos = beginning_of(model, vocabulary);
  const uint64_t waited_before = weights->waited_ns();
  const Mark first_begin = probing ? mark(reader) : acquired;
  if (session) {
    // Looking tensors up by name is the runtime's work, the same for every loader: no part of acquire.
    session->bind(model, *weights);
    session->forward(std::span(&bos, 1), 0, first_row);
  }
  if (toucher) toucher->touch(touched.first, *weights);
  const Mark first = mark(reader);
  result.first_token = between(first_begin, first);
  result.waited_ns = weights->waited_ns() - waited_before;
  if (timeline) {
    timeline->phase(session ? "first token" : "needed bytes", first_begin, first);
    timeline->trace().first_token = tracing->stop(first.reached_ns, first.counters);
    timeline->look(*weights, &TracedTensor::resident_first_token);
  }
  if (spec.pass == Pass::memory) {
    if (spec.held) meet(spec.barrier);
    result.first_token_memory = read_memory();
    result.resident_first_token = resident(paths);
    if (spec.held) meet(spec.barrier);
  }

  // Working out what is left to read belongs to no interval.
  std::vector<TensorRange> rest;
  if (session) {
    const std::vector<TensorRange> needed = needed_for_first_token(model, bos);
    rest = remaining(order, needed);
    result.bytes_needed = bytes_of(needed);
    result.untouched_bytes = bytes_of(rest);
  }
  if (toucher) {
    result.bytes_needed = bytes_of(touched.first);
    result.untouched_bytes = bytes_of(touched.rest);
  }
  if (bound) result.bytes_needed = bytes_of(order);
  if (timeline) tracing->record();
  const Mark complete_begin = mark(reader);
  if (session) session->touch(rest);
  if (toucher) toucher->touch(touched.rest, *weights);
  const Mark complete = mark(reader);
  result.complete = between(complete_begin, complete);
  result.issued_bytes = bytes_between(start.counters.read_bytes, complete.counters.read_bytes);
  if (timeline) {
    timeline->phase("complete", complete_begin, complete);
    timeline->trace().complete = tracing->stop(complete.reached_ns, complete.counters);
  }

  if (!probing) {
    if (bound) {
      result.complete_ns = static_cast<uint64_t>(acquired.reached_ns - start.left_ns);
    } else {
      result.ttft_ns = static_cast<uint64_t>(first.reached_ns - start.left_ns);
      result.complete_ns = *result.ttft_ns + result.complete.ns;
    }
    result.settled_ns = static_cast<uint64_t>(std::max(weights->settled_at(), acquired.reached_ns) - start.left_ns);
  }

  if (session) {
    Digest hash;
    hash.add(std::as_bytes(std::span(first_row)));
    result.per_token_ns.push_back(result.first_token.ns);
    session->clear();
    if (spec.prompt > 0) {
      for (uint32_t i = 0; i < spec.prompt; ++i) prompt.push_back(prompt_token(i, bos, vocabulary));
      const Mark prefill_begin = mark(reader);
      session->forward(prompt, 0, row);
      const Mark prefill_end = mark(reader);
      result.prefill = between(prefill_begin, prefill_end);
      if (timeline) timeline->phase("prefill", prefill_begin, prefill_end);
      hash.add(std::as_bytes(std::span(row)));
    }
    if (spec.generate > 0) {
      // Rows are hashed between the tokens' intervals, so the phase's time is their sum.
      const Mark decode_begin = mark(reader);
      uint64_t decoding = 0;
      for (uint32_t i = 0; i < spec.generate; ++i) {
        const int32_t token = decode_token(i, vocabulary);
        const int64_t from = now_ns();
        session->forward(std::span(&token, 1), spec.prompt + i, row);
        const uint64_t took = static_cast<uint64_t>(now_ns() - from);
        result.per_token_ns.push_back(took);
        decoding += took;
        hash.add(std::as_bytes(std::span(row)));
      }
      const Mark decode_end = mark(reader);
      result.decode = between(decode_begin, decode_end);
      result.decode->ns = decoding;
      if (timeline) timeline->phase("decode", decode_begin, decode_end);
    }
    result.logits_hash = hash.hex();
  }

  if (toucher) result.content_hash = toucher->hash();

  if (watch) result.peak = watch->stop();
  result.end = read_memory();
  result.peak_rss = peak_rss();
  result.effective = weights->effective();
  result.warnings = weights->warnings();
  if (spec.node && spec.pass == Pass::memory) tell_node(*spec.node, result);
  const Mark release_begin = mark(reader);
  weights.reset();
  const Mark released = mark(reader);
  result.release = between(release_begin, released);
  if (timeline) {
    timeline->phase("release", release_begin, released);
    result.trace = std::move(timeline->trace());
  }
  result.spin_after_ns = spin_ns();
  result.voluntary_switches = released.counters.voluntary_switches - start.counters.voluntary_switches;
  result.involuntary_switches = released.counters.involuntary_switches - start.counters.involuntary_switches;
  return result;
}

}  // namespace weighbridge
