// The metadata of a GGUF header, and what reading it shares with the rest of the header.
#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "gguf.h"
#include "header_reader.h"

namespace weighbridge::gguf {

constexpr uint64_t kLongestName = 65535;  // of keys and tensors, bytes; docs/gguf.md
constexpr uint64_t kSmallestKeyValue = 8 + 1 + 4 + 1;  // bytes: a key of one character, its type, a one-byte value

inline std::string quoted(const std::string& name) { return "\"" + name + "\""; }

// Index of the first item whose name an earlier item has too.
template <class Item, class Name>
std::optional<size_t> first_duplicate(const std::vector<Item>& items, Name name) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int comparison = name(items[a]).compare(name(items[b]));
    return comparison != 0 ? comparison < 0 : a < b;
  });
  std::optional<size_t> first;
  for (size_t i = 1; i < order.size(); ++i) {
    if (name(items[order[i - 1]]) == name(items[order[i]]) && (!first || order[i] < *first)) first = order[i];
  }
  return first;
}

// `count` entries from the reader's position; duplicate keys are malformed.
std::vector<KeyValue> read_metadata(HeaderReader& in, uint64_t count, const ParseOptions& options);

}  // namespace weighbridge::gguf
