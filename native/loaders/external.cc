// A loader in a shared library of the user's: external.h states what it exports and what both sides promise.
#include "external.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "../probes/process.h"
#include "mechanisms.h"
#include "part_file.h"

namespace weighbridge::mechanisms {

namespace {

std::string library_of(const Options& options) {
  options.only({"library"});
  std::string path = options.text("library", "");
  if (path.empty() || path.find('/') == std::string::npos) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .message = "option library must be the path of a shared library, with a slash in it"});
  }
  return path;
}

// Text of others on one line: control characters become spaces.
std::string one_line(const char* text, size_t most) {
  std::string line(text, ::strnlen(text, most));
  std::replace_if(line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  return line;
}

[[noreturn]] void throw_incompatible(const std::string& library, std::string message) {
  throw Error(Reason{.code = "external-incompatible",
                     .operation = "dlopen",
                     .path = library,
                     .message = std::move(message),
                     .remedy = "build it against the native/loaders/external.h of this weighbridge"});
}

[[noreturn]] void throw_broken(const std::string& library, const char* operation, std::string message) {
  throw Error(Reason{.code = "external-failed",
                     .operation = operation,
                     .path = library,
                     .message = std::move(message),
                     .remedy = "see the rules in native/loaders/external.h"});
}

// Calls into the library. What it lets out in spite of the rules must not pass through our frames unnamed.
template <class Call>
auto guarded(const std::string& library, const char* operation, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& error) {
    throw_broken(library, operation, "the library let an exception out: " + one_line(error.what(), 500));
  } catch (...) {
    throw_broken(library, operation, "the library let an exception out");
  }
}

// The functions of version 1; a library may have more behind them.
constexpr size_t least_loader_size = offsetof(weighbridge_loader, settled) + sizeof(weighbridge_loader::settled);

// Opened for good (RTLD_NODELETE): a library may have threads and thread-local data, which do not outlive its mapping. What
// asks unsupported() before the clock starts has it linked by then.
const weighbridge_loader& open_library(const std::string& path) {
  void* const opened = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (opened == nullptr) {
    const char* const why = ::dlerror();
    throw Error(Reason{.code = "external-unloadable",
                       .operation = "dlopen",
                       .path = path,
                       .message = why != nullptr ? one_line(why, 1000) : "the library cannot be opened"});
  }
  const auto entry = reinterpret_cast<decltype(&weighbridge_loader_v1)>(::dlsym(opened, "weighbridge_loader_v1"));
  ::dlclose(opened);
  if (entry == nullptr) throw_incompatible(path, "the library does not export weighbridge_loader_v1");
  const weighbridge_loader* const loader = guarded(path, "weighbridge_loader_v1", entry);
  if (loader == nullptr) throw_incompatible(path, "weighbridge_loader_v1 returned NULL");
  if (loader->version != WEIGHBRIDGE_EXTERNAL_VERSION) {
    throw_incompatible(path, "the library is of version " + std::to_string(loader->version) + ", and " +
                                 std::to_string(WEIGHBRIDGE_EXTERNAL_VERSION) + " is known here");
  }
  if (loader->struct_size < least_loader_size) {
    throw_incompatible(path, "the library's weighbridge_loader has " + std::to_string(loader->struct_size) +
                                 " bytes, fewer than the " + std::to_string(least_loader_size) + " of version 1");
  }
  if (loader->name == nullptr || loader->load == nullptr || loader->unload == nullptr) {
    throw_incompatible(path, "the library's weighbridge_loader lacks its name, load or unload");
  }
  return *loader;
}

weighbridge_failure no_failure() {
  weighbridge_failure failure = {};
  failure.struct_size = sizeof failure;
  return failure;
}

Reason reason_of(const std::string& library, const char* operation, int result, const weighbridge_failure& failure) {
  const std::string code = one_line(failure.code, sizeof failure.code);
  std::string message = one_line(failure.message, sizeof failure.message);
  if (message.empty()) message = "the library gave no message";
  if (!code.empty()) message.insert(0, code + ": ");
  return Reason{.code = result == WEIGHBRIDGE_UNSUPPORTED ? "external-unsupported" : "external-failed",
                .operation = operation,
                .path = library,
                .error_number = failure.error_number,
                .message = std::move(message)};
}

// The structs of a request and what they point at.
class Request {
 public:
  Request(std::span<const Part> parts, std::span<const Extent> wanted, std::span<const TensorRange> in_forward_order) {
    for (size_t index = 0; index < parts.size(); ++index) {
      const Extent extent = wanted.empty() ? Extent{0, 0} : wanted[index];
      parts_.push_back({parts[index].path.c_str(), parts[index].bytes, extent.begin, extent.end});
    }
    for (const TensorRange& range : in_forward_order) tensors_.push_back({range.part, 0, range.offset, range.bytes});
    request_.struct_size = sizeof request_;
    request_.version = WEIGHBRIDGE_EXTERNAL_VERSION;
    request_.parts = parts_.data();
    request_.part_count = parts_.size();
    request_.tensors = tensors_.empty() ? nullptr : tensors_.data();
    request_.tensor_count = tensors_.size();
    request_.page_bytes = page_size();
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  const weighbridge_request* get() const noexcept { return &request_; }

 private:
  std::vector<weighbridge_part> parts_;
  std::vector<weighbridge_tensor> tensors_;
  weighbridge_request request_ = {};
};

class ExternalWeights : public Weights {
 public:
  ExternalWeights(std::string library, const weighbridge_loader& loader, std::span<const Part> parts,
                  std::span<const TensorRange> in_forward_order)
      : library_(std::move(library)), loader_(loader), wanted_(tensor_extents(parts, in_forward_order)) {
    for (Extent& extent : wanted_) extent.begin = round_down(extent.begin, page_size());
    addresses_.assign(parts.size(), nullptr);
    const Request request(parts, wanted_, in_forward_order);
    weights_.struct_size = sizeof weights_;
    weights_.addresses = addresses_.data();
    weighbridge_failure failure = no_failure();
    const int result = guarded(library_, "load", [&] { return loader_.load(request.get(), &weights_, &failure); });
    if (result != WEIGHBRIDGE_OK) throw Error(reason_of(library_, "load", result, failure));
    try {
      check(parts);
    } catch (...) {
      loader_.unload(weights_.handle);
      throw;
    }
  }
  ~ExternalWeights() override { loader_.unload(weights_.handle); }

  const std::byte* address(const TensorRange& range) const override {
    return static_cast<const std::byte*>(addresses_[range.part]) + (range.offset - wanted_[range.part].begin);
  }

  void ready(const TensorRange& range) override {
    if (loader_.ready == nullptr) return;
    const int64_t from = now_ns();
    const weighbridge_tensor run = {range.part, 0, range.offset, range.bytes};
    weighbridge_failure failure = no_failure();
    const int result = guarded(library_, "ready", [&] { return loader_.ready(weights_.handle, &run, &failure); });
    if (result != WEIGHBRIDGE_OK) throw Error(reason_of(library_, "ready", result, failure));
    waited_ns_.fetch_add(static_cast<uint64_t>(now_ns() - from), std::memory_order_relaxed);
  }

  int64_t settled_at() override {
    if (loader_.settled == nullptr) return 0;
    const int64_t at = guarded(library_, "settled", [&] { return loader_.settled(weights_.handle); });
    const int64_t now = now_ns();
    if (at < 0 || at > now) {
      throw_broken(library_, "settled", "the library had settled at " + std::to_string(at) + " ns, and it is " +
                                            std::to_string(now) + " by CLOCK_MONOTONIC");
    }
    return at;
  }

  uint64_t waited_ns() const override { return waited_ns_.load(std::memory_order_relaxed); }

  Effective effective() const override {
    Effective all = {{"libraryName", one_line(loader_.name, 100)}};
    const std::string note = one_line(weights_.note, sizeof weights_.note);
    if (!note.empty()) all.emplace("note", note);
    return all;
  }

 private:
  void check(std::span<const Part> parts) const {
    for (size_t index = 0; index < parts.size(); ++index) {
      if (wanted_[index].bytes() == 0) continue;
      if (addresses_[index] == nullptr) {
        throw_broken(library_, "load", "the library gave no address for " + one_line(parts[index].path.c_str(), 4096));
      }
      const uint64_t off = reinterpret_cast<uintptr_t>(addresses_[index]) % page_size();
      if (off == wanted_[index].begin % page_size()) continue;
      throw_broken(library_, "load", "the library gave an address " + std::to_string(off) +
                                         " bytes into a page; it must equal begin modulo page_bytes");
    }
  }

  std::string library_;
  const weighbridge_loader& loader_;
  std::vector<Extent> wanted_;
  std::vector<const void*> addresses_;
  weighbridge_weights weights_ = {};
  std::atomic<uint64_t> waited_ns_ = 0;
};

// Opens the library, which stays open.
std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  const std::string library = library_of(options);
  const weighbridge_loader& loader = open_library(library);
  if (loader.unsupported == nullptr) return std::nullopt;
  const Request request(parts, {}, {});
  weighbridge_failure failure = no_failure();
  const int result =
      guarded(library, "unsupported", [&] { return loader.unsupported(request.get(), &failure); });
  if (result == WEIGHBRIDGE_OK) return std::nullopt;
  Reason reason = reason_of(library, "unsupported", result, failure);
  if (result != WEIGHBRIDGE_UNSUPPORTED) throw Error(std::move(reason));
  return reason;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  std::string library = library_of(options);
  const weighbridge_loader& loader = open_library(library);
  return std::make_unique<ExternalWeights>(std::move(library), loader, parts, in_forward_order);
}

}  // namespace

const Loader external = {"external", unsupported, load};

}  // namespace weighbridge::mechanisms
