// What a Session holds, and where it lies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dot.h"
#include "llama.h"
#include "memory.h"
#include "rotation.h"
#include "tensors.h"
#include "threads.h"

namespace weighbridge::kernel {

// A tensor at the address where its loader put it. For a vector: one row, type and multiply unused.
struct BoundTensor {
  TensorRange range = {};
  const std::byte* data = nullptr;
  const WeightType* type = nullptr;
  Multiply multiply = nullptr;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
};

// Offsets in bytes. Arrays are [token of the batch][…], rows of floats unless noted.
struct ScratchLayout {
  uint64_t residual;    // width: the stream that layers add to
  uint64_t update;      // width: what a layer adds
  uint64_t input;       // max(width, heads · value_length): operand of the next product
  uint64_t hidden;      // feed_forward: gate, then gated
  uint64_t up;          // feed_forward
  uint64_t quants;      // int8, the widest operand rounded up to 32
  uint64_t scales;      // one a block of quants
  uint64_t eight_sums;  // int32, one a block of quants
  uint64_t query;       // heads · key_length
  uint64_t key;         // kv_heads · key_length
  uint64_t value;       // kv_heads · value_length
  uint64_t rotations;   // rope_dimensions: cosine and sine of each pair's angle
  uint64_t scores;      // [thread][query that goes together with others][cached_positions]
  uint64_t bytes;       // of all
};

// Throws Error code out-of-memory when sizes overflow, bad-option for a context, batch or thread count of 0.
ScratchLayout scratch_layout(const Hyperparameters& shape, uint64_t context, uint64_t batch, uint64_t threads);

// Keys lie turned, so many positions side by side: a query meets them all at once.
inline constexpr uint64_t position_block = 64;
// Queries that go through keys and values together, at most.
inline constexpr uint64_t attention_columns = 16;
// The context in whole blocks.
inline uint64_t cached_positions(uint64_t context) noexcept { return round_up(context, position_block); }
// Keys [layer][kv_head][block of positions][key_length][position], then values [layer][kv_head][position][value_length],
// floats.
uint64_t kv_cache_bytes(const Hyperparameters& shape, uint64_t context);

}  // namespace weighbridge::kernel

namespace weighbridge {

struct Session::State {
  State(const Hyperparameters& shape, uint32_t context, uint32_t batch, uint32_t threads, Isa isa);

  Hyperparameters shape;
  uint32_t context;
  uint32_t batch;
  const kernel::DotTable& dots;
  kernel::ScratchLayout layout;
  ThreadPool pool;
  kernel::TouchedMemory cache;
  kernel::TouchedMemory scratch;
  std::vector<double> frequencies;  // radians a position, one a rotated pair; empty until weights were used

  Weights* weights = nullptr;
  kernel::ModelTensors<kernel::BoundTensor> tensors;
  kernel::RotationScaling scaling;
  bool rotates_halves = false;
  uint32_t window = UINT32_MAX;  // positions that a token attends to
  bool frequencies_known = false;
  uint32_t filled = 0;  // positions in the cache

  // One step of at most `batch` tokens at position `filled`; logits of the last `rows` of them.
  void step(std::span<const int32_t> tokens, float* logits, uint32_t rows);

 private:
  struct Columns;
  struct Queries;
  // Every product once on every thread, with zeros: touches the workers' stacks, binds symbols and maps the code.
  void warm_up();
  template <class T = float>
  T* at(uint64_t offset) const noexcept {
    return reinterpret_cast<T*>(scratch.data() + offset);
  }
  float* key_cache(uint32_t layer, uint64_t kv_head) const noexcept;
  float* value_cache(uint32_t layer, uint64_t kv_head) const noexcept;

  void learn_frequencies();
  void embed(std::span<const int32_t> tokens);
  void normalize_heads(float* heads, uint64_t count, const kernel::BoundTensor& weight) const noexcept;
  void rotate(float* heads, uint64_t count, const float* rotations) const noexcept;
  void normalize(const Columns& columns, const kernel::BoundTensor& weight);
  void quantize_operand(const Columns& columns, const float* values, uint64_t elements, bool wanted);
  kernel::Activations operand(const Columns& columns, const float* values, uint64_t elements) const noexcept;
  void attention_inputs(uint32_t layer, const Columns& columns);
  // Where attention begins that ends before position `end`.
  uint64_t begin_of(uint64_t end) const noexcept { return end > window ? end - window : 0; }
  void remember(uint32_t layer, uint64_t position, const float* keys, const float* values) noexcept;
  void attend_together(uint32_t layer, uint64_t kv_head, const Queries& of, float* scores) const;
  void attend(uint32_t layer, const Columns& columns);
  void add_product(const Columns& columns, const kernel::BoundTensor& matrix, const kernel::BoundTensor& bias,
                   const float* values, uint64_t elements);
  void feed_forward(const kernel::LayerTensors<kernel::BoundTensor>& layer, const Columns& columns);

  template <class Work>
  void for_each_column(const Columns& columns, Work&& work);
};

}  // namespace weighbridge
