// std::ifstream as llama.cpp used it until March 2023: open, pubsetbuf, then a seek and a read for each tensor.
//
// libstdc++ ignores pubsetbuf on a stream that is open already, and passes a read that is longer than its buffer
// straight to read(2); so did the code of 2023. effective() reads back which buffer a stream gets here.
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "arena.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

constexpr uint64_t default_buffer_bytes = 1 << 20;

uint64_t buffer_bytes(const Options& options) {
  options.only({"bufferBytes"});
  return options.number("bufferBytes", default_buffer_bytes, 1, uint64_t{1} << 30);
}

void open_with_buffer(std::ifstream& stream, const std::string& path, std::vector<char>& buffer) {
  errno = 0;
  stream.open(path, std::ios::binary);
  if (!stream) throw_errno("ifstream::open", path);
  stream.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
}

// How much a stream that was opened in this way fills at once: one byte taken, the rest lies in its buffer.
uint64_t obtained_buffer_bytes(uint64_t asked) {
  std::vector<char> buffer(asked);
  std::ifstream stream;
  open_with_buffer(stream, "/dev/zero", buffer);
  errno = 0;
  if (stream.get() == std::ifstream::traits_type::eof()) throw_errno("ifstream::get", "/dev/zero");
  return static_cast<uint64_t>(stream.rdbuf()->in_avail()) + 1;
}

class StreamedWeights : public ArenaWeights {
 public:
  StreamedWeights(Arena arena, uint64_t asked) : ArenaWeights(std::move(arena), {}), asked_(asked) {}
  // Asked after the measurement, which must not be lost where /dev/zero cannot be read: the key is then left out.
  Effective effective() const override {
    Effective all = ArenaWeights::effective();
    try {
      all.emplace("bufferBytes", static_cast<int64_t>(obtained_buffer_bytes(asked_)));
    } catch (const Error& error) {
      warnings_.push_back(std::string("the stream's buffer could not be read back: ") + error.what());
    }
    all.emplace("bufferBytesAsked", static_cast<int64_t>(asked_));
    return all;
  }
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  uint64_t asked_;
  mutable std::vector<std::string> warnings_;
};

std::optional<Reason> unsupported(std::span<const Part>, const Options& options) {
  buffer_bytes(options);
  return std::nullopt;
}

void read_tensor(std::ifstream& stream, const Part& part, const TensorRange& range, std::byte* to) {
  errno = 0;
  stream.seekg(static_cast<std::streamoff>(range.offset));
  stream.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(range.bytes));
  if (stream) return;
  if (stream.bad() || errno != 0) throw_errno("ifstream::read", part.path);
  throw_short_read("ifstream::read", part, range.offset + static_cast<uint64_t>(stream.gcount()));
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const uint64_t asked = buffer_bytes(options);
  Arena arena(parts, in_forward_order);
  const std::vector<TensorRange> tensors = in_file_order(in_forward_order);
  std::vector<char> buffer(asked);
  size_t next = 0;
  for (size_t index = 0; index < parts.size(); ++index) {
    const Part& part = parts[index];
    std::ifstream stream;
    open_with_buffer(stream, part.path, buffer);
    stream.seekg(0, std::ios::end);
    check_unchanged(part, static_cast<uint64_t>(stream.tellg()));
    for (; next < tensors.size() && tensors[next].part == index; ++next) {
      if (tensors[next].bytes > 0) read_tensor(stream, part, tensors[next], arena.at(index, tensors[next].offset));
    }
  }
  return std::make_unique<StreamedWeights>(std::move(arena), asked);
}

}  // namespace

const Loader cxx_stream = {"cxx-stream", unsupported, load};

}  // namespace weighbridge::mechanisms
