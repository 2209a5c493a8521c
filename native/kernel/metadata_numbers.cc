#include "metadata_numbers.h"

#include <cmath>
#include <limits>

#include "tensors.h"

namespace weighbridge::kernel {

std::string metadata_key(const gguf::Model& model, std::string_view name) {
  return std::string(model.string_value("general.architecture").value_or("llama")) + "." + std::string(name);
}

void malformed(const std::string& key, const std::string& problem) {
  throw Error(Reason{.code = "malformed",
                     .operation = "hyperparameters",
                     .message = "metadata " + key + " " + problem,
                     .remedy = "convert the model again"});
}

std::optional<uint32_t> optional_count(const gguf::Model& model, std::string_view name, uint64_t most) {
  const std::string key = metadata_key(model, name);
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
  if (!number) malformed(metadata_key(model, name), "is missing");
  return *number;
}

std::optional<float> optional_real(const gguf::Model& model, std::string_view name, Zero zero) {
  const std::string key = metadata_key(model, name);
  if (model.find(key) == nullptr) return std::nullopt;
  const std::optional<double> number = model.real_value(key);
  if (zero == Zero::absent && number == 0.0) return std::nullopt;
  if (!number || !std::isfinite(*number) || !(*number > 0) || *number > std::numeric_limits<float>::max()) {
    malformed(key, "is not a positive number");
  }
  return static_cast<float>(*number);
}

std::optional<float> any_real(const gguf::Model& model, std::string_view name) {
  const std::string key = metadata_key(model, name);
  if (model.find(key) == nullptr) return std::nullopt;
  const std::optional<double> number = model.real_value(key);
  if (!number || !(std::abs(*number) <= std::numeric_limits<float>::max())) malformed(key, "is not a finite number");
  return static_cast<float>(*number);
}

}  // namespace weighbridge::kernel
