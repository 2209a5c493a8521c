// The only list of mechanisms.
#include <array>

#include "mechanisms.h"

namespace weighbridge {

namespace {

// Copied by value, so that the table is whole before any static constructor could ask for it.
std::span<const Loader> table() noexcept {
  static const std::array rows = {
      mechanisms::null, mechanisms::cxx_stream, mechanisms::stdio,
      mechanisms::read, mechanisms::mmap,       mechanisms::direct,
      mechanisms::pread, mechanisms::uring,
      mechanisms::hybrid, mechanisms::discard, mechanisms::callback, mechanisms::external,
  };
  return rows;
}

}  // namespace

std::span<const Loader> loaders() noexcept { return table(); }

const Loader& loader(const std::string& name) {
  std::string known;
  for (const Loader& row : table()) {
    if (name == row.name) return row;
    known.append(known.empty() ? "" : ", ").append(row.name);
  }
  throw Error(Reason{.code = "bad-option",
                     .operation = "mechanism",
                     .message = "there is no mechanism " + name,
                     .remedy = "mechanisms: " + known});
}

}  // namespace weighbridge
