// Numbers of a model's metadata, checked. Names are without the architecture: "context_length" is read as
// "llama.context_length" of a llama.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../format/gguf.h"

namespace weighbridge::kernel {

// The model's architecture, a dot, the name.
std::string metadata_key(const gguf::Model& model, std::string_view name);

// Throws Error code malformed.
[[noreturn]] void malformed(const std::string& key, const std::string& problem);

// A count of at least 1 and at most `most`; std::nullopt where the key is absent. Throws Error: malformed,
// unsupported-architecture where it differs between layers.
std::optional<uint32_t> optional_count(const gguf::Model& model, std::string_view name, uint64_t most);
// Throws Error code malformed where it is absent, too.
uint32_t count(const gguf::Model& model, std::string_view name, uint64_t most);

enum class Zero { refused, absent };

// A positive number, or std::nullopt where the key is absent. Throws Error code malformed.
std::optional<float> optional_real(const gguf::Model& model, std::string_view name, Zero zero = Zero::refused);
// Any finite number.
std::optional<float> any_real(const gguf::Model& model, std::string_view name);

}  // namespace weighbridge::kernel
