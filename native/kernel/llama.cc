// A session's life: memory, addresses, and the division of tokens into steps.
#include "llama.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "session.h"

namespace weighbridge {

namespace kernel {

namespace {

[[noreturn]] void bad_option(std::string message, std::string remedy = {}) {
  throw Error(Reason{
      .code = "bad-option", .operation = "forward", .message = std::move(message), .remedy = std::move(remedy)});
}

[[noreturn]] void too_large() {
  throw Error(Reason{.code = "out-of-memory",
                     .operation = "allocate",
                     .message = "the session's memory exceeds 64 bits",
                     .remedy = "use a shorter context or fewer tokens a batch"});
}

uint64_t product(std::initializer_list<uint64_t> factors) {
  uint64_t result = 1;
  for (const uint64_t factor : factors) {
    const std::optional<uint64_t> next = checked_multiply(result, factor);
    if (!next) too_large();
    result = *next;
  }
  return result;
}

uint64_t sum(uint64_t a, uint64_t b) {
  const std::optional<uint64_t> result = checked_add(a, b);
  if (!result || *result > UINT64_MAX / 2) too_large();
  return *result;
}

// Hands out pieces of one allocation, each on a cache line of its own.
class Pieces {
 public:
  uint64_t take(uint64_t bytes) {
    const uint64_t offset = bytes_;
    bytes_ = round_up(sum(bytes_, bytes), 64);
    return offset;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

}  // namespace

ScratchLayout scratch_layout(const Hyperparameters& shape, uint64_t context, uint64_t batch, uint64_t threads) {
  if (context == 0 || batch == 0 || threads == 0) bad_option("context, batch and threads must be at least 1");
  const uint64_t attended = product({shape.heads, shape.value_length});
  const uint64_t widest = std::max({uint64_t{shape.width}, attended, uint64_t{shape.feed_forward}});
  const uint64_t blocks = round_up(widest, block_elements) / block_elements;
  Pieces pieces;
  const auto floats = [&](uint64_t a, uint64_t b) { return pieces.take(product({a, b, sizeof(float)})); };
  ScratchLayout layout = {};
  layout.residual = floats(batch, shape.width);
  layout.update = floats(batch, shape.width);
  layout.input = floats(batch, std::max(uint64_t{shape.width}, attended));
  layout.hidden = floats(batch, shape.feed_forward);
  layout.up = floats(batch, shape.feed_forward);
  layout.quants = pieces.take(product({batch, blocks, block_elements}));
  layout.scales = floats(batch, blocks);
  layout.eight_sums = floats(batch, blocks);
  layout.query = floats(batch, product({shape.heads, shape.key_length}));
  layout.key = floats(batch, product({shape.kv_heads, shape.key_length}));
  layout.value = floats(batch, product({shape.kv_heads, shape.value_length}));
  layout.rotations = floats(batch, shape.rope_dimensions);
  layout.scores = floats(product({threads, attention_columns}), cached_positions(context));
  layout.bytes = pieces.bytes();
  return layout;
}

uint64_t kv_cache_bytes(const Hyperparameters& shape, uint64_t context) {
  const uint64_t length = sum(shape.key_length, shape.value_length);
  return product({shape.layers, shape.kv_heads, cached_positions(context), length, sizeof(float)});
}

}  // namespace kernel

using namespace kernel;

namespace {

const DotTable& usable_table(Isa isa) {
  const std::span<const Isa> here = available_isas();
  const DotTable* table = std::ranges::count(here, isa) != 0 ? dot_table(isa) : nullptr;
  if (table == nullptr) isa_by_name(name_of(isa));
  return *table;
}

uint32_t at_least_one(uint32_t value, const char* name) {
  if (value == 0) bad_option(std::string(name) + " must be at least 1");
  return value;
}

}  // namespace

MemoryNeed memory_need(const Hyperparameters& shape, uint32_t context, uint32_t batch, uint32_t threads) {
  const uint32_t step = std::min(batch, context);
  return {kv_cache_bytes(shape, context), scratch_layout(shape, context, step, threads).bytes};
}

Session::State::State(const Hyperparameters& wanted, uint32_t positions, uint32_t tokens, uint32_t threads, Isa isa)
    : shape(wanted),
      context(at_least_one(positions, "context")),
      batch(std::min(at_least_one(tokens, "batch"), positions)),
      dots(usable_table(isa)),
      layout(scratch_layout(shape, context, batch, at_least_one(threads, "threads"))),
      pool(threads),
      cache(kv_cache_bytes(shape, context), pool),
      scratch(layout.bytes, pool),
      frequencies(shape.rope_dimensions / 2) {
  warm_up();
}

Session::Session(const Hyperparameters& shape, uint32_t context, uint32_t batch, uint32_t threads, Isa isa) {
  const MemoryNeed need = memory_need(shape, context, batch, threads);
  require_available(sum(need.kv_cache, need.scratch), "a session");
  state_ = std::make_unique<State>(shape, context, batch, threads, isa);
}

Session::~Session() = default;

void Session::bind(const gguf::Model& model, Weights& weights) {
  State& state = *state_;
  state.weights = nullptr;
  if (!(read_hyperparameters(model) == state.shape)) {
    throw Error(Reason{.code = "model-changed",
                       .operation = "bind",
                       .path = model.parts.empty() ? "" : model.parts.front().path,
                       .message = "the model's hyperparameters differ from those that the session was made for",
                       .remedy = "do not change a model while it is being measured"});
  }
  const ModelTensors<const gguf::Tensor*> found = find_tensors(model, state.shape);
  const auto bound = [&](const gguf::Tensor* tensor) -> BoundTensor {
    if (tensor == nullptr) return {};
    const TensorRange range = range_of(*tensor);
    const uint64_t rows = tensor->shape[1];
    return {range, weights.address(range), weight_type(tensor->type), state.dots.multiply(tensor->type), rows,
            range.bytes / rows};
  };
  ModelTensors<BoundTensor> tensors = {};
  tensors.embedding = bound(found.embedding);
  tensors.rope_divisors = bound(found.rope_divisors);
  tensors.rope_divisors_short = bound(found.rope_divisors_short);
  tensors.rope_divisors_long = bound(found.rope_divisors_long);
  tensors.layers.reserve(found.layers.size());
  for (const auto& layer : found.layers) {
    tensors.layers.push_back({.attention_norm = bound(layer.attention_norm),
                              .query = bound(layer.query),
                              .query_bias = bound(layer.query_bias),
                              .key = bound(layer.key),
                              .key_bias = bound(layer.key_bias),
                              .value = bound(layer.value),
                              .value_bias = bound(layer.value_bias),
                              .query_norm = bound(layer.query_norm),
                              .key_norm = bound(layer.key_norm),
                              .attention_output = bound(layer.attention_output),
                              .attention_output_bias = bound(layer.attention_output_bias),
                              .feed_forward_norm = bound(layer.feed_forward_norm),
                              .gate = bound(layer.gate),
                              .up = bound(layer.up),
                              .down = bound(layer.down)});
  }
  tensors.output_norm = bound(found.output_norm);
  tensors.output = bound(found.output);
  tensors.tied = found.tied;
  state.tensors = std::move(tensors);
  state.scaling = rotation_scaling(model);
  state.rotates_halves = architecture_of(model).rotates_halves;
  state.window = attention_window(model);
  state.frequencies_known = false;
  state.filled = 0;
  state.weights = &weights;
}

void Session::check(std::span<const int32_t> tokens, uint32_t position, uint32_t rows) const {
  const State& state = *state_;
  const uint64_t vocabulary = state.shape.vocabulary;
  if (state.weights == nullptr) bad_option("the session has no weights: bind() comes first");
  if (tokens.empty()) bad_option("no tokens to feed");
  if (rows > tokens.size()) bad_option("more rows of logits asked for than tokens fed");
  if (position > state.filled) {
    bad_option("position " + std::to_string(position) + " leaves a gap after " + std::to_string(state.filled) +
               " positions");
  }
  if (tokens.size() > state.context - position) {
    bad_option("the context of " + std::to_string(state.context) + " positions is full", "use a longer context");
  }
  for (const int32_t token : tokens) {
    if (token < 0 || static_cast<uint64_t>(token) >= vocabulary) {
      bad_option("token " + std::to_string(token) + " is not in the vocabulary of " + std::to_string(vocabulary));
    }
  }
}

void Session::forward(std::span<const int32_t> tokens, uint32_t position, std::span<float> logits, uint32_t rows) {
  check(tokens, position, rows);
  State& state = *state_;
  const uint64_t vocabulary = state.shape.vocabulary;
  if (logits.size() != rows * vocabulary) bad_option("room for logits must be rows × vocabulary");
  state.filled = position;
  // Tokens before this one get no logits.
  const uint64_t heard = tokens.size() - rows;
  for (uint64_t first = 0; first < tokens.size(); first += state.batch) {
    const uint64_t count = std::min<uint64_t>(state.batch, tokens.size() - first);
    const uint64_t from = std::clamp<uint64_t>(heard, first, first + count);
    const uint64_t row = from < first + count ? from - heard : 0;
    state.step(tokens.subspan(first, count), logits.data() + row * vocabulary,
               static_cast<uint32_t>(first + count - from));
  }
}

void Session::clear() noexcept { state_->filled = 0; }

uint64_t Session::touch(std::span<const TensorRange> ranges) {
  State& state = *state_;
  if (state.weights == nullptr) bad_option("the session has no weights: bind() comes first");
  constexpr uint64_t word = sizeof(uint64_t);
  const uint64_t threads = state.pool.size();
  std::atomic<uint64_t> total = 0;
  for (const TensorRange& range : ranges) {
    // On this thread, as in the forward pass: what ready() throws is the caller's, and nobody else is at work then.
    state.weights->ready(range);
    const std::byte* bytes = state.weights->address(range);
    const uint64_t words = range.bytes / word;
    state.pool.run([&](uint64_t index) {
      uint64_t sum = 0;
      const uint64_t last = words * (index + 1) / threads;
      for (uint64_t i = words * index / threads; i < last; ++i) sum += load<uint64_t>(bytes + i * word);
      if (index + 1 == threads && range.bytes % word != 0) {
        uint64_t rest = 0;
        std::memcpy(&rest, bytes + words * word, range.bytes % word);
        sum += rest;
      }
      total.fetch_add(sum, std::memory_order_relaxed);
    });
  }
  return total.load();
}

MemoryNeed Session::allocated() const noexcept { return {state_->cache.bytes(), state_->scratch.bytes()}; }
uint32_t Session::threads() const noexcept { return state_->pool.size(); }
Isa Session::isa() const noexcept { return state_->dots.isa; }

}  // namespace weighbridge
