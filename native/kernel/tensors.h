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
template <class T>
struct LayerTensors {
  T attention_norm;    // width
  T query;             // heads · key_length × width
  T key;               // kv_heads · key_length × width
  T value;             // kv_heads · value_length × width
  T attention_output;  // width × heads · value_length
  T feed_forward_norm;  // width
  T gate;              // feed_forward × width
  T up;                // feed_forward × width
  T down;              // width × feed_forward
};

template <class T>
struct ModelTensors {
  T embedding;  // vocabulary × width
  // Divisors of the rotation frequencies, rope_dimensions / 2, F32; T{} where the model has none.
  T rope_divisors;
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

// Divisor of every position where the model asks for linear position scaling, else 1. As llama.cpp has it, a scaling
// without type is linear and a factor of 0 is none. Throws Error code unsupported-architecture for another type.
float position_divisor(const gguf::Model& model);

// LLaMA's key of a metadata value: "llama." + name.
std::string metadata_key(std::string_view name);

[[noreturn]] void refuse_architecture(std::string message, std::string remedy = {});

}  // namespace weighbridge::kernel
