// The C library's streams: fopen, setvbuf, then fseeko and one fread for each tensor.
#include <stdio_ext.h>

#include <cstdio>
#include <vector>

#include "arena.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

uint64_t buffer_bytes(const Options& options) {
  options.only({"bufferBytes"});
  return options.number("bufferBytes", 0, 0, uint64_t{1} << 30);
}

struct Close {
  void operator()(std::FILE* stream) const noexcept { std::fclose(stream); }
};
using Stream = std::unique_ptr<std::FILE, Close>;

Stream open_stream(const Part& part, std::vector<char>& buffer) {
  Stream stream(std::fopen(part.path.c_str(), "rbe"));
  if (!stream) throw_errno("fopen", part.path);
  if (!buffer.empty() && std::setvbuf(stream.get(), buffer.data(), _IOFBF, buffer.size()) != 0) {
    throw_errno("setvbuf", part.path);
  }
  struct stat status = {};
  if (::fstat(::fileno(stream.get()), &status) != 0) throw_errno("fstat", part.path);
  check_unchanged(part, static_cast<uint64_t>(status.st_size));
  return stream;
}

void read_tensor(std::FILE* stream, const Part& part, const TensorRange& range, std::byte* to) {
  if (::fseeko(stream, static_cast<off_t>(range.offset), SEEK_SET) != 0) throw_errno("fseeko", part.path);
  uint64_t done = 0;
  while (done < range.bytes) {
    errno = 0;
    done += std::fread(to + done, 1, range.bytes - done, stream);
    if (done == range.bytes) return;
    if (std::ferror(stream) == 0) throw_short_read("fread", part, range.offset + done);
    if (errno != EINTR) throw_errno("fread", part.path);
    std::clearerr(stream);
  }
}

std::optional<Reason> unsupported(std::span<const Part>, const Options& options) {
  buffer_bytes(options);
  return std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  std::vector<char> buffer(buffer_bytes(options));
  Arena arena(parts, in_forward_order);
  const std::vector<TensorRange> tensors = in_file_order(in_forward_order);
  int64_t used_buffer_bytes = 0;
  size_t next = 0;
  for (size_t index = 0; index < parts.size(); ++index) {
    const Stream stream = open_stream(parts[index], buffer);
    for (; next < tensors.size() && tensors[next].part == index; ++next) {
      if (tensors[next].bytes == 0) continue;
      read_tensor(stream.get(), parts[index], tensors[next], arena.at(index, tensors[next].offset));
      used_buffer_bytes = static_cast<int64_t>(::__fbufsize(stream.get()));
    }
  }
  return std::make_unique<ArenaWeights>(std::move(arena), Effective{{"bufferBytes", used_buffer_bytes}});
}

}  // namespace

const Loader stdio = {"stdio", unsupported, load};

}  // namespace weighbridge::mechanisms
