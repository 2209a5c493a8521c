#include <algorithm>
#include <utility>

#include "loader.h"

namespace weighbridge {

namespace {

[[noreturn]] void bad_option(const std::string& name, const std::string& wanted) {
  throw Error(Reason{.code = "bad-option", .operation = "options", .message = "option " + name + " must be " + wanted});
}

// The value of that name and type, or nullptr where it is absent.
template <class Type>
const Type* find(const std::map<std::string, Options::Value>& values, const std::string& name, const char* wanted) {
  const auto found = values.find(name);
  if (found == values.end()) return nullptr;
  const Type* value = std::get_if<Type>(&found->second);
  if (value == nullptr) bad_option(name, wanted);
  return value;
}

}  // namespace

bool Options::flag(const std::string& name, bool otherwise) const {
  const bool* value = find<bool>(values_, name, "true or false");
  return value != nullptr ? *value : otherwise;
}

uint64_t Options::number(const std::string& name, uint64_t otherwise, uint64_t least, uint64_t most) const {
  const int64_t* value = find<int64_t>(values_, name, "a whole number");
  if (value == nullptr) return otherwise;
  if (*value < 0 || std::cmp_less(*value, least) || std::cmp_greater(*value, most)) {
    bad_option(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<uint64_t>(*value);
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
  const std::string* value = find<std::string>(values_, name, "a text");
  return value != nullptr ? *value : otherwise;
}

std::vector<std::string> Options::list(const std::string& name) const {
  const std::vector<std::string>* value = find<std::vector<std::string>>(values_, name, "a list of texts");
  return value != nullptr ? *value : std::vector<std::string>{};
}

void Options::only(std::initializer_list<const char*> known) const {
  for (const auto& [name, value] : values_) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&wanted = name](const char* one) { return wanted == one; });
    if (is_known) continue;
    std::string list;
    for (const char* one : known) list.append(list.empty() ? "" : ", ").append(one);
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .message = "this mechanism has no option " + name,
                       .remedy = list.empty() ? "it takes no options" : "it takes: " + list});
  }
}

}  // namespace weighbridge
