#include "part_reader.h"

#include <sys/uio.h>

#include <algorithm>

namespace weighbridge {

namespace {

// include/uapi/linux/fs.h; spelt out because headers before 6.14 lack it.
constexpr int dont_cache_flag = 0x80;

Reason dont_cache_refused(int error_number, const std::string& path) {
  return Reason{.code = "dontcache-unsupported",
                .operation = "preadv2",
                .path = path,
                .error_number = error_number,
                .message = "the kernel or this file system does not know RWF_DONTCACHE",
                .remedy = "use Linux 6.14 or later with a file system that has it, such as ext4 or xfs"};
}

bool refuses_flag(int error_number) {
  return error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == EINVAL;
}

ssize_t read_without_cache(int file, std::byte* to, uint64_t bytes, uint64_t offset) noexcept {
  const iovec piece = {to, bytes};
  return ::preadv2(file, &piece, 1, static_cast<off_t>(offset), dont_cache_flag);
}

// Asked where the file ends: flags are checked before any page is brought in, and there is none to bring.
std::optional<Reason> dont_cache_unsupported(const Part& part) {
  const FileDescriptor file = open_part(part);
  std::byte nothing = {};
  if (read_without_cache(file.get(), &nothing, 1, part.bytes) >= 0) return std::nullopt;
  if (refuses_flag(errno)) return dont_cache_refused(errno, part.path);
  throw_errno("preadv2", part.path);
}

}  // namespace

std::optional<Reason> read_call_unsupported(std::span<const Part> parts, ReadCall call) {
  for (const Part& part : parts) {
    std::optional<Reason> reason;
    if (call == ReadCall::direct) reason = direct_io_unsupported(part.path);
    if (call == ReadCall::dont_cache) reason = dont_cache_unsupported(part);
    if (reason) return reason;
  }
  return std::nullopt;
}

PartReader::PartReader(std::span<const Part> parts, ReadCall call) : call_(call) {
  for (const Part& part : parts) {
    if (call != ReadCall::direct) {
      opened_.push_back({part, open_part(part), 1, 0});
      continue;
    }
    FileDescriptor file = open_direct(part.path);
    check_unchanged(part, regular_file_size(file, part.path));
    const DirectAlignment own = direct_alignment(file, part.path);
    opened_.push_back({part, std::move(file), std::max(own.memory, own.offset), 0});
    strictest_ = {std::max(strictest_.memory, own.memory), std::max(strictest_.offset, own.offset),
                  strictest_.reported && own.reported, strictest_.touched || own.touched};
  }
  unit_ = std::max({unit_, strictest_.memory, strictest_.offset});
}

uint64_t PartReader::request_bytes(const Block& rest) const noexcept {
  return round_up(rest.bytes, opened_[rest.part].step);
}

ssize_t PartReader::read_on(OpenPart& part, std::byte* to, uint64_t bytes, uint64_t offset) const noexcept {
  const int fd = part.file.get();
  if (part.position != offset && ::lseek(fd, static_cast<off_t>(offset), SEEK_SET) < 0) return -1;
  part.position = offset;
  const ssize_t got = ::read(fd, to, bytes);
  if (got > 0) part.position += static_cast<uint64_t>(got);
  return got;
}

void PartReader::touch(const Block& rest, std::byte* to, uint64_t most) const noexcept {
  touch_for_direct(strictest_, {to, std::min(most, request_bytes(rest))});
}

int64_t PartReader::ask(const Block& rest, std::byte* to, uint64_t most) noexcept {
  const int fd = file(rest.part);
  const uint64_t bytes = std::min(most, request_bytes(rest));
  ssize_t got = 0;
  switch (call_) {
    case ReadCall::read:
      got = read_on(opened_[rest.part], to, bytes, rest.offset);
      break;
    case ReadCall::dont_cache:
      got = read_without_cache(fd, to, bytes, rest.offset);
      break;
    case ReadCall::direct:
      touch(rest, to, most);
      [[fallthrough]];
    case ReadCall::pread:
      got = ::pread(fd, to, bytes, static_cast<off_t>(rest.offset));
      break;
  }
  return got < 0 ? -errno : got;
}

const char* PartReader::operation() const noexcept {
  if (call_ == ReadCall::read) return "read";
  return call_ == ReadCall::dont_cache ? "preadv2" : "pread";
}

void PartReader::throw_failed(const Block& rest, const char* operation, int error_number) const {
  const std::string& path = opened_[rest.part].part.path;
  Reason reason = reason_from_errno(error_number, operation, path);
  if (call_ == ReadCall::dont_cache && refuses_flag(error_number)) reason = dont_cache_refused(error_number, path);
  if (call_ == ReadCall::direct && error_number == EINVAL) reason.code = "direct-io-unsupported";
  reason.offset = rest.offset;
  throw Error(std::move(reason));
}

std::optional<Block> PartReader::rest_after(const Block& rest, int64_t result, const char* operation,
                                            uint32_t& in_vain) const {
  if (result < 0) {
    const auto error_number = static_cast<int>(-result);
    if (!ask_again(error_number, in_vain)) throw_failed(rest, operation, error_number);
    return rest;
  }
  in_vain = 0;
  const auto got = static_cast<uint64_t>(result);
  if (got >= rest.bytes) return std::nullopt;
  const OpenPart& opened = opened_[rest.part];
  const uint64_t kept = round_down(got, opened.step);
  if (kept == 0) throw_short_read(operation, opened.part, rest.offset + got);
  return Block{rest.part, rest.offset + kept, rest.bytes - kept};
}

Effective PartReader::effective() const {
  if (call_ != ReadCall::direct) return {};
  return {{"memoryAlignment", static_cast<int64_t>(strictest_.memory)},
          {"offsetAlignment", static_cast<int64_t>(strictest_.offset)},
          {"alignmentSource", std::string(strictest_.reported ? "statx" : "assumed")}};
}

}  // namespace weighbridge
