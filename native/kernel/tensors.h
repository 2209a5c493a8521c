// The tensors of a LLaMA model by the part they play in the forward pass.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"

namespace weighbridge::kernel {

// T is what is known of each tensor. Matrices are rows × columns: output rows over input columns.
// Vectors that a model does without are T{}.
template <class T>
struct LayerTensors {
  T attention_norm;    // width
  T query;             // heads · key_length × width
  T query_bias;        // heads · key_length
  T key;               // kv_heads · key_length × width
  T key_bias;          // kv_heads · key_length
  T value;             // kv_heads · value_length × width
  T value_bias;        // kv_heads · value_length
  T query_norm;        // key_length: of every head
  T key_norm;          // key_length
  T attention_output;  // width × heads · value_length
  T attention_output_bias;  // width
  T feed_forward_norm;  // width
  T gate;              // feed_forward × width
  T up;                // feed_forward × width
  T down;              // width × feed_forward
};

template <class T>
struct ModelTensors {
  T embedding;  // vocabulary × width
  // Divisors of the rotation frequencies, rope_dimensions / 2; with longrope those of short and of long contexts.
  T rope_divisors;
  T rope_divisors_short;
  T rope_divisors_long;
  std::vector<LayerTensors<T>> layers;
  T output_norm;  // width
  T output;       // vocabulary × width; the embedding itself where the model ties them
  bool tied = false;
};

// From metadata and the embedding's rows; the other tensors are find_tensors()'s to check. Throws Error:
// unsupported-architecture, malformed.
Hyperparameters read_hyperparameters(const gguf::Model& model);

// Finds every tensor and checks its shape and type. Throws Error: missing-tensor, bad-shape, unsupported-type,
// unsupported-architecture (a tensor that changes the computation and is not part of this kernel's).
ModelTensors<const gguf::Tensor*> find_tensors(const gguf::Model& model, const Hyperparameters& shape);

// Where a tensor's bytes lie.
inline TensorRange range_of(const gguf::Tensor& tensor) { return {tensor.part, tensor.offset, tensor.bytes}; }
// Where one row of a matrix of `rows` rows lies.
TensorRange range_of_row(const TensorRange& matrix, uint64_t rows, uint64_t row);

// What sets the relatives of LLaMA apart.
struct Architecture {
  std::string_view name;  // general.architecture
  bool rotates_halves;    // pairs are (i, i + rope_dimensions / 2), else the neighbours (2i, 2i + 1)
  bool normalizes_heads;  // queries and keys are normalized head by head before they are turned
};
inline constexpr Architecture architectures[] = {
    {"llama", false, false}, {"qwen2", true, false}, {"qwen3", true, true}};

// Throws Error code unsupported-architecture for one that is not among them.
const Architecture& architecture_of(const gguf::Model& model);

// How many positions, its own included, a token attends to. Throws Error code malformed.
uint32_t attention_window(const gguf::Model& model);

[[noreturn]] void refuse_architecture(std::string message, std::string remedy = {});

}  // namespace weighbridge::kernel
