// The numbers of a model from its metadata, each checked against the tensors that are in the file.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "tensors.h"

namespace weighbridge {

namespace kernel {

namespace {

[[noreturn]] void malformed(const std::string& key, const std::string& problem) {
  throw Error(Reason{.code = "malformed",
                     .operation = "hyperparameters",
                     .message = "metadata " + key + " " + problem,
                     .remedy = "convert the model again"});
}

// A count of at least 1 and at most `most`; std::nullopt where the key is absent.
std::optional<uint32_t> optional_count(const gguf::Model& model, std::string_view name, uint64_t most) {
  const std::string key = metadata_key(name);
  const gguf::Value* value = model.find(key);
  if (value == nullptr) return std::nullopt;
  if (std::holds_alternative<gguf::Array>(*value)) refuse_architecture("metadata " + key + " differs between layers");
  const std::optional<uint64_t> number = model.unsigned_value(key);
  if (!number) malformed(key, "is not a whole number");
  if (*number == 0 || *number > most) {
    malformed(key, "is " + std::to_string(*number) + "; this file allows 1 to " + std::to_string(most));
  }
  return static_cast<uint32_t>(*number);
}

uint32_t count(const gguf::Model& model, std::string_view name, uint64_t most) {
  const std::optional<uint32_t> number = optional_count(model, name, most);
  if (!number) malformed(metadata_key(name), "is missing");
  return *number;
}

enum class Zero { refused, absent };

std::optional<float> optional_real(const gguf::Model& model, std::string_view name, Zero zero = Zero::refused) {
  const std::string key = metadata_key(name);
  if (model.find(key) == nullptr) return std::nullopt;
  const std::optional<double> number = model.real_value(key);
  if (zero == Zero::absent && number == 0.0) return std::nullopt;
  if (!number || !std::isfinite(*number) || !(*number > 0) || *number > std::numeric_limits<float>::max()) {
    malformed(key, "is not a positive number");
  }
  return static_cast<float>(*number);
}

void check_architecture(const gguf::Model& model) {
  const std::optional<std::string_view> architecture = model.string_value("general.architecture");
  if (!architecture) refuse_architecture("the model names no architecture (general.architecture)");
  if (*architecture != "llama") {
    refuse_architecture("architecture " + std::string(*architecture) + " is not run by this kernel",
                        "only llama is; loading without inference works for any model");
  }
  const std::string experts = metadata_key("expert_count");
  if (model.find(experts) != nullptr && model.unsigned_value(experts).value_or(1) > 0) {
    refuse_architecture("mixtures of experts (" + experts + ") are not run by this kernel");
  }
}

[[noreturn]] void refuse_computation(const std::string& key) {
  refuse_architecture("metadata " + key + " asks for a computation that this kernel does not run");
}

// What llama.cpp does for relatives of LLaMA which share its name. Factors are absent or 0 where there are none, but
// that of rotated queries and keys is 1.
void check_factors(const gguf::Model& model) {
  for (const char* name : {"attention.scale", "attention.clamp_kqv", "attention.max_alibi_bias", "embedding_scale",
                           "residual_scale", "logit_scale"}) {
    const std::string key = metadata_key(name);
    if (model.find(key) != nullptr && model.real_value(key).value_or(1) != 0) refuse_computation(key);
  }
  const std::string attention_factor = metadata_key("rope.scaling.attn_factor");
  if (model.find(attention_factor) != nullptr && model.real_value(attention_factor) != 1.0) {
    refuse_computation(attention_factor);
  }
  const std::string causal = metadata_key("attention.causal");
  if (const gguf::Value* value = model.find(causal)) {
    const bool* flag = std::get_if<bool>(value);
    if (flag == nullptr || !*flag) refuse_computation(causal);
  }
}

// The largest dimension of any tensor: no true hyperparameter exceeds it, so a hostile one cannot ask for more memory
// than the file itself is large.
uint64_t largest_dimension(const gguf::Model& model) {
  uint64_t largest = 1;
  for (const gguf::Tensor& tensor : model.tensors) {
    for (const uint64_t size : tensor.shape) largest = std::max(largest, size);
  }
  return std::min<uint64_t>(largest, std::numeric_limits<int32_t>::max());
}

}  // namespace

float position_divisor(const gguf::Model& model) {
  const std::optional<std::string_view> type = model.string_value(metadata_key("rope.scaling.type"));
  if (type == "none") return 1.0f;
  if (type && type != "linear") {
    refuse_architecture("position scaling of type " + std::string(*type) + " is not run by this kernel",
                        "use a model without it, or with type linear");
  }
  // Before scaling had a type, linear scaling had a key of its own, which counts only where the new one is absent.
  const bool current = model.find(metadata_key("rope.scaling.factor")) != nullptr;
  return optional_real(model, current ? "rope.scaling.factor" : "rope.scale_linear", Zero::absent).value_or(1.0f);
}

Hyperparameters read_hyperparameters(const gguf::Model& model) {
  check_architecture(model);
  check_factors(model);
  const uint64_t most = largest_dimension(model);
  Hyperparameters shape = {};
  shape.layers = count(model, "block_count", model.tensors.size());
  shape.width = count(model, "embedding_length", most);
  shape.feed_forward = count(model, "feed_forward_length", most);
  shape.heads = count(model, "attention.head_count", most);
  shape.kv_heads = optional_count(model, "attention.head_count_kv", most).value_or(shape.heads);
  if (shape.heads % shape.kv_heads != 0) {
    malformed(metadata_key("attention.head_count"),
              "is " + std::to_string(shape.heads) + ", no multiple of " + std::to_string(shape.kv_heads) + " KV heads");
  }
  const uint32_t usual_length = shape.width / shape.heads;
  shape.key_length = optional_count(model, "attention.key_length", most).value_or(usual_length);
  shape.value_length = optional_count(model, "attention.value_length", most).value_or(usual_length);
  if (shape.key_length == 0 || shape.value_length == 0) {
    malformed(metadata_key("attention.head_count"), "exceeds the model's width");
  }
  shape.rope_dimensions = optional_count(model, "rope.dimension_count", most).value_or(shape.key_length);
  if (shape.rope_dimensions > shape.key_length || shape.rope_dimensions % 2 != 0) {
    malformed(metadata_key("rope.dimension_count"), "is " + std::to_string(shape.rope_dimensions) +
                                                        ", not an even number up to the key length of " +
                                                        std::to_string(shape.key_length));
  }
  shape.rope_base = optional_real(model, "rope.freq_base").value_or(10000.0f);
  const std::optional<float> epsilon = optional_real(model, "attention.layer_norm_rms_epsilon");
  if (!epsilon) malformed(metadata_key("attention.layer_norm_rms_epsilon"), "is missing");
  shape.norm_epsilon = *epsilon;
  shape.context_trained =
      optional_count(model, "context_length", std::numeric_limits<uint32_t>::max()).value_or(0);
  const gguf::Tensor* embedding = model.tensor("token_embd.weight");
  shape.vocabulary = embedding == nullptr ? 1 : static_cast<uint32_t>(std::min(embedding->shape[1], most));
  return shape;
}

}  // namespace kernel

Hyperparameters hyperparameters(const gguf::Model& model) {
  const Hyperparameters shape = kernel::read_hyperparameters(model);
  kernel::position_divisor(model);
  kernel::find_tensors(model, shape);
  return shape;
}

}  // namespace weighbridge
