// The contract of a loading mechanism: a row in table.cc, one file each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "../io.h"

namespace weighbridge {

struct Part {
  std::string path;
  uint64_t bytes;  // size of the file when its header was read
};

// A run of bytes in one part that a tensor occupies.
struct TensorRange {
  uint32_t part;
  uint64_t offset;  // from the start of the part's file
  uint64_t bytes;
};

// Options of a strategy, as its file in loaders/ states them. A mechanism reads each by name and type; a name that it
// does not know, or a value of another type, is Error code bad-option.
class Options {
 public:
  using Value = std::variant<bool, int64_t, std::string, std::vector<std::string>>;
  Options() = default;
  explicit Options(std::map<std::string, Value> values) : values_(std::move(values)) {}

  bool flag(const std::string& name, bool otherwise = false) const;
  // A whole number within [least, most].
  uint64_t number(const std::string& name, uint64_t otherwise, uint64_t least, uint64_t most) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  std::vector<std::string> list(const std::string& name) const;
  // Throws bad-option for any name outside `known`.
  void only(std::initializer_list<const char*> known) const;

 private:
  std::map<std::string, Value> values_;
};

// One thing that a loader did, as read back: reported in the sample's `effective`.
using EffectiveValue = std::variant<bool, int64_t, std::string>;
using Effective = std::map<std::string, EffectiveValue>;

// Weights in memory. Destroying it releases everything. Thread-safe for address() and ready().
class Weights {
 public:
  Weights() = default;
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;
  virtual ~Weights() = default;

  // Where the range's bytes are or will be. Keeps the file offset modulo the page size (rule 4).
  virtual const std::byte* address(const TensorRange& range) const = 0;

  // Returns once the range's bytes are there; at once for maps and filled arenas. A loader that still streams waits
  // here, and may throw Error.
  virtual void ready(const TensorRange& range) { static_cast<void>(range); }

  // CLOCK_MONOTONIC nanoseconds at which the loader had nothing left to do; 0 if that was before load() returned. Waits
  // for it where the loader still works; called after all tensors were read.
  virtual int64_t settled_at() { return 0; }

  // Nanoseconds that callers spent waiting in ready().
  virtual uint64_t waited_ns() const { return 0; }

  // Read back from the kernel where it can be: huge pages, locks, alignment used, bytes asked for.
  virtual Effective effective() const { return {}; }

  // Warnings for the sample: what was asked for and could only partly be had.
  virtual std::vector<std::string> warnings() const { return {}; }
};

struct Loader {
  const char* name;
  // Why this mechanism with these options cannot work for these parts on this machine; std::nullopt if it can.
  // Asks the kernel, changes nothing, leaves no page of the parts in the page cache.
  std::optional<Reason> (*unsupported)(std::span<const Part> parts, const Options& options);
  // Opens the parts itself and works until addresses are valid. Never does another thing than its name says: what
  // the kernel refuses is thrown as Error. `in_forward_order` lists every tensor, in the order of the forward pass.
  std::unique_ptr<Weights> (*load)(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                                   const Options& options);
  // Whether the bytes stay, so that a model can run on them. One that keeps nothing is a bound or measures the harness.
  bool keeps = true;
};

// All mechanisms, in the order of table.cc.
std::span<const Loader> loaders() noexcept;
// Throws Error code bad-option when there is none of that name.
const Loader& loader(const std::string& name);

}  // namespace weighbridge
