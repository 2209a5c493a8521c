#include "numa_node.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "kernel_list.h"

namespace weighbridge {

namespace {

constexpr uint32_t most_nodes = 1024;  // MAX_NUMNODES of common kernels
constexpr size_t word_bits = sizeof(unsigned long) * CHAR_BIT;

[[noreturn]] void refuse(const char* operation, uint32_t node) {
  const int error = errno;
  const bool forbidden = error == EPERM || error == EACCES;
  const std::string name = "NUMA node " + std::to_string(node);
  throw Error(Reason{.code = forbidden ? "not-permitted" : "numa-unsupported",
                     .operation = operation,
                     .error_number = error,
                     .message = forbidden ? "the system does not let this process be bound to a node"
                                          : "this process cannot be bound to " + name,
                     .remedy = forbidden
                                   ? std::string("let the container's seccomp profile allow ") + operation
                                   : "choose a node that this process may use (Mems_allowed in /proc/self/status)"});
}

// CPUs of the node that this process may run on. A node may have memory and no CPU.
cpu_set_t cpus_of(uint32_t node) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) refuse("sched_getaffinity", node);
  cpu_set_t found;
  CPU_ZERO(&found);
  const std::string list = "/sys/devices/system/node/node" + std::to_string(node) + "/cpulist";
  for (const uint32_t cpu : read_kernel_list(list, CPU_SETSIZE)) {
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &found);
  }
  return found;
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

uint32_t bind_process_to_node(uint32_t node) {
  if (node >= most_nodes) {
    errno = EINVAL;
    refuse("set_mempolicy", node);
  }
  std::array<unsigned long, most_nodes / word_bits> mask = {};
  mask[node / word_bits] = 1UL << (node % word_bits);
  // The kernel takes one bit less than it is told.
  if (::syscall(SYS_set_mempolicy, MPOL_BIND, mask.data(), mask.size() * word_bits + 1) != 0) {
    refuse("set_mempolicy", node);
  }
  const cpu_set_t cpus = cpus_of(node);
  const int count = CPU_COUNT(&cpus);
  if (count > 0 && ::sched_setaffinity(0, sizeof cpus, &cpus) != 0) refuse("sched_setaffinity", node);
  return static_cast<uint32_t>(count);
}

std::optional<NodeBytes> bytes_on_node(uint32_t node) {
  std::ifstream maps("/proc/self/numa_maps");
  if (!maps) return std::nullopt;
  NodeBytes bytes;
  std::string line;
  while (std::getline(maps, line)) {
    // "7f… bind:0 file=/model mapped=8 N0=6 N1=2 kernelpagesize_kB=4": counts are of pages of the size at the end.
    uint64_t here = 0, others = 0, page = 0;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const std::string_view text = word;
      const size_t equals = text.find('=');
      if (equals == std::string_view::npos) continue;
      const std::optional<uint64_t> value = number_of(text.substr(equals + 1));
      if (!value) continue;
      if (text.starts_with("kernelpagesize_kB=")) {
        page = *value * 1024;
      } else if (text[0] == 'N') {
        const std::optional<uint64_t> of = number_of(text.substr(1, equals - 1));
        if (!of) continue;
        (*of == node ? here : others) += *value;
      }
    }
    bytes.on_node += here * page;
    bytes.elsewhere += others * page;
  }
  return bytes;
}

}  // namespace weighbridge
