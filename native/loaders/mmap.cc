// mmap(2) of each whole part, read-only: the page cache itself is the weights.
#include <sys/mman.h>

#include <array>
#include <string>
#include <utility>

#include "mechanisms.h"
#include "part_file.h"

namespace weighbridge::mechanisms {

namespace {

struct Advice {
  const char* name;
  int value;
};

// madvise(2). One call covers the whole mapping: the kernel then reads ahead at most max(read-ahead window, io_pages)
// for willneed (mm/readahead.c, force_page_cache_ra), which is far less than a model.
constexpr std::array<Advice, 1> advices = {{{"willneed", MADV_WILLNEED}}};

const Advice& advice_by_name(const std::string& name) {
  for (const Advice& row : advices) {
    if (name == row.name) return row;
  }
  throw Error(Reason{.code = "bad-option", .operation = "options", .message = "there is no advice " + name});
}

struct Strategy {
  bool shared;
  bool populate;
  std::vector<Advice> advices;
};

Strategy strategy(const Options& options) {
  options.only({"sharing", "populate", "advice"});
  const std::string sharing = options.text("sharing", "");
  if (sharing != "shared" && sharing != "private") {
    throw Error(Reason{
        .code = "bad-option", .operation = "options", .message = "option sharing must be shared or private"});
  }
  Strategy result = {sharing == "shared", options.flag("populate"), {}};
  for (const std::string& name : options.list("advice")) result.advices.push_back(advice_by_name(name));
  return result;
}

// A file that can be opened and not be mapped lies on a file system that does not map (mmap(2): ENODEV, EACCES, EPERM).
Reason refusal(int error_number, const Part& part) {
  if (error_number != ENODEV && error_number != EACCES && error_number != EPERM) {
    return reason_from_errno(error_number, "mmap", part.path);
  }
  return Reason{.code = "unsupported-by-file-system",
                .operation = "mmap",
                .path = part.path,
                .error_number = error_number,
                .message = "the file system does not let this file be mapped",
                .remedy = "copy the model to a file system that maps, such as ext4 or xfs"};
}

class Mapping {
 public:
  Mapping() = default;
  Mapping(const FileDescriptor& file, const Part& part, uint64_t bytes, int flags) : bytes_(bytes) {
    void* const mapped = ::mmap(nullptr, bytes_, PROT_READ, flags, file.get(), 0);
    if (mapped == MAP_FAILED) throw Error(refusal(errno, part));
    data_ = static_cast<std::byte*>(mapped);
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  std::byte* data() const noexcept { return data_; }
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

class MappedWeights : public Weights {
 public:
  MappedWeights(std::vector<Mapping> parts, Effective effective)
      : parts_(std::move(parts)), effective_(std::move(effective)) {}
  const std::byte* address(const TensorRange& range) const override { return parts_[range.part].data() + range.offset; }
  Effective effective() const override { return effective_; }

 private:
  std::vector<Mapping> parts_;
  Effective effective_;
};

// Maps one page of each part and touches none.
std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  const Strategy wanted = strategy(options);
  try {
    for (const Part& part : parts) {
      if (part.bytes == 0) continue;
      const FileDescriptor file = open_file(part.path, O_RDONLY);
      const Mapping page(file, part, page_size(), wanted.shared ? MAP_SHARED : MAP_PRIVATE);
    }
  } catch (const Error& error) {
    if (error.reason().operation != "mmap") throw;
    return error.reason();
  }
  return std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const Strategy wanted = strategy(options);
  const std::vector<Extent> extents = tensor_extents(parts, in_forward_order);
  const int flags = (wanted.shared ? MAP_SHARED : MAP_PRIVATE) | (wanted.populate ? MAP_POPULATE : 0);
  std::vector<Mapping> mappings;
  mappings.reserve(parts.size());
  uint64_t mapped_bytes = 0;
  for (size_t index = 0; index < parts.size(); ++index) {
    const FileDescriptor file = open_part(parts[index]);
    if (extents[index].bytes() == 0) {
      mappings.emplace_back();
      continue;
    }
    const Mapping& mapping = mappings.emplace_back(file, parts[index], parts[index].bytes, flags);
    mapped_bytes += mapping.bytes();
    for (const Advice& advice : wanted.advices) {
      if (::madvise(mapping.data(), mapping.bytes(), advice.value) != 0) throw_errno("madvise", parts[index].path);
    }
  }
  // mmap(2) does not fail where MAP_POPULATE could not map every page, so that only the request is known here; what was
  // obtained shows in the memory pass, as file memory mapped after loading.
  Effective effective = {{"sharing", std::string(wanted.shared ? "shared" : "private")},
                         {"populateRequested", wanted.populate},
                         {"mappedBytes", static_cast<int64_t>(mapped_bytes)}};
  std::string accepted;
  for (const Advice& advice : wanted.advices) {
    if (!accepted.empty()) accepted += ',';
    accepted += advice.name;
  }
  if (!accepted.empty()) effective.emplace("adviceAccepted", accepted);
  return std::make_unique<MappedWeights>(std::move(mappings), std::move(effective));
}

}  // namespace

const Loader mmap = {"mmap", unsupported, load};

}  // namespace weighbridge::mechanisms
