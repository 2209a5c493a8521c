// The LLaMA forward pass over weights used where they lie.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../format/gguf.h"
#include "../loaders/loader.h"

namespace weighbridge {

// neon: with dot products (Armv8.2 DotProd).
enum class Isa { scalar, avx2, avxvnni, avx512, avx512vnni, neon };

const char* name_of(Isa isa) noexcept;
// What CPU and operating system both support, slowest first; always begins with scalar.
std::span<const Isa> available_isas() noexcept;
// "auto" is the best available. Throws Error code unsupported-isa (remedy lists what is available) or bad-option.
Isa isa_by_name(const std::string& name);

struct Hyperparameters {
  uint32_t layers;
  uint32_t width;          // embedding length
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t key_length;     // of one head
  uint32_t value_length;
  uint32_t rope_dimensions;
  uint32_t feed_forward;
  uint32_t vocabulary;
  uint32_t context_trained;
  float rope_base;
  float norm_epsilon;
  bool operator==(const Hyperparameters&) const = default;
};

// From metadata and tensor shapes, every number checked. Throws Error: unsupported-architecture, missing-tensor,
// bad-shape, unsupported-type (naming tensor and type), malformed.
Hyperparameters hyperparameters(const gguf::Model& model);

// Every tensor of the model in the order in which the forward pass first needs it; tensors that it never needs last.
std::vector<TensorRange> forward_order(const gguf::Model& model);

// The token that begins a text; 1, as in LLaMA, where the model names none, and 0 where the vocabulary lacks it.
int32_t beginning_of(const gguf::Model& model, uint32_t vocabulary);

// What the forward pass of one token at position 0 reads: one row of an untied embedding, all other weights.
std::vector<TensorRange> needed_for_first_token(const gguf::Model& model, int32_t token);

struct MemoryNeed {
  uint64_t kv_cache;  // bytes
  uint64_t scratch;
};
MemoryNeed memory_need(const Hyperparameters& shape, uint32_t context, uint32_t batch, uint32_t threads);

// Everything that a forward pass needs besides weights: threads, KV cache (F32) and scratch, allocated and touched by
// the constructor, and the code itself, run once on every thread, so that none of it falls into a measured interval.
// Results are bit-identical for every number of threads and for every division of a prompt into batches.
class Session {
 public:
  // context: positions of the KV cache; batch: most tokens of one internal step. Throws Error: bad-option,
  // unsupported-isa, out-of-memory (also where the memory needed is more than is available).
  Session(const Hyperparameters& shape, uint32_t context, uint32_t batch, uint32_t threads, Isa isa);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Resolves the addresses of all tensors; reads no weight byte. `weights` must outlive its use here. Throws Error code
  // model-changed when the model's hyperparameters differ from those of the constructor.
  void bind(const gguf::Model& model, Weights& weights);

  // Throws what forward() would for these arguments before it computes: Error code bad-option.
  void check(std::span<const int32_t> tokens, uint32_t position, uint32_t rows) const;

  // Feeds tokens at positions position, position + 1, … and writes logits of the last `rows` of them to `logits`
  // (rows × vocabulary floats, row after row). tokens.size() may exceed the batch. Asks weights.ready(range) before the
  // bytes are used. Throws Error: bad-option (token out of range, context full), and what ready() throws.
  // No heap allocation.
  void forward(std::span<const int32_t> tokens, uint32_t position, std::span<float> logits, uint32_t rows = 1);

  // Empties the KV cache.
  void clear() noexcept;

  // Sums every byte of the ranges as 64-bit words, one range after the other, each with all threads once ready()
  // returned for it; the sum keeps the reads alive. Throws what ready() throws.
  uint64_t touch(std::span<const TensorRange> ranges);

  MemoryNeed allocated() const noexcept;
  uint32_t threads() const noexcept;
  Isa isa() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weighbridge
