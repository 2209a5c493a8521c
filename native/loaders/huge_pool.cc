#include "huge_pool.h"

#include <sys/prctl.h>

#include <fstream>
#include <string>

namespace weighbridge {

namespace {

// Documentation/admin-guide/mm/hugetlbpage.rst and transhuge.rst
const std::string pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
const std::string transparent = "/sys/kernel/mm/transparent_hugepage/";

std::optional<std::string> line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<uint64_t> number_of(const std::string& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

Reason refusal(const char* operation, const std::string& path, std::string message, std::string remedy) {
  return Reason{.code = "huge-pages-unsupported",
                .operation = operation,
                .path = path,
                .message = std::move(message),
                .remedy = std::move(remedy)};
}

std::optional<Reason> no_pool_pages(uint64_t pages, uint64_t available, const std::string& path) {
  if (available >= pages) return std::nullopt;
  return refusal("read", path,
                 "the model needs " + std::to_string(pages) + " pages of 2 MiB and the pool has " +
                     std::to_string(available) + " that nobody else was promised",
                 "reserve them with sysctl vm.nr_hugepages, best soon after boot");
}

}  // namespace

std::optional<Reason> transparent_pages_unsupported() {
  const std::optional<std::string> global = line_of(transparent + "enabled");
  if (!global) {
    return refusal("read", transparent + "enabled", "the kernel has no transparent huge pages",
                   "use a kernel with CONFIG_TRANSPARENT_HUGEPAGE");
  }
  // Since Linux 6.8 each size has a switch of its own, which may hand on to the global one.
  const std::optional<std::string> own = line_of(transparent + "hugepages-2048kB/enabled");
  const bool inherits = !own || own->find("[inherit]") != std::string::npos;
  const std::string path = transparent + (inherits ? "enabled" : "hugepages-2048kB/enabled");
  if ((inherits ? *global : *own).find("[never]") != std::string::npos) {
    return refusal("read", path, "transparent huge pages are switched off", "write madvise to " + path);
  }
  if (::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1) {
    return refusal("prctl", "", "transparent huge pages are switched off for this process",
                   "start it without PR_SET_THP_DISABLE");
  }
  return std::nullopt;
}

uint64_t idle_pool_pages() {
  const uint64_t free = number_of(pool + "free_hugepages").value_or(0);
  const uint64_t promised = number_of(pool + "resv_hugepages").value_or(0);
  return free > promised ? free - promised : 0;
}

std::optional<Reason> pool_pages_unsupported(uint64_t pages, std::optional<uint32_t> numa_node) {
  if (numa_node) {
    const std::string path = "/sys/devices/system/node/node" + std::to_string(*numa_node) +
                             "/hugepages/hugepages-2048kB/free_hugepages";
    return no_pool_pages(pages, number_of(path).value_or(0), path);
  }
  if (!number_of(pool + "free_hugepages")) {
    return refusal("read", pool + "free_hugepages", "the kernel has no pool of 2 MiB pages",
                   "use a kernel with CONFIG_HUGETLBFS");
  }
  const uint64_t overcommit = number_of(pool + "nr_overcommit_hugepages").value_or(0);
  const uint64_t surplus = number_of(pool + "surplus_hugepages").value_or(0);
  const uint64_t addable = overcommit > surplus ? overcommit - surplus : 0;
  return no_pool_pages(pages, idle_pool_pages() + addable, pool + "free_hugepages");
}

}  // namespace weighbridge
