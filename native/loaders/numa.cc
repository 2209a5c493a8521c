#include "numa.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include <array>
#include <climits>
#include <string>
#include <vector>

#include "../probes/kernel_list.h"
#include "arena.h"

namespace weighbridge {

namespace {

constexpr const char* nodes_with_memory = "/sys/devices/system/node/has_memory";

Reason refusal(const char* operation, int error_number, std::string message, std::string remedy) {
  return Reason{.code = "numa-unsupported",
                .operation = operation,
                .error_number = error_number,
                .message = std::move(message),
                .remedy = std::move(remedy)};
}

std::optional<Reason> bind(std::span<std::byte> memory, uint32_t node) {
  constexpr size_t bits = sizeof(unsigned long) * CHAR_BIT;
  std::array<unsigned long, most_numa_nodes / bits> mask = {};
  mask[node / bits] = 1UL << (node % bits);
  // The kernel takes one bit less than it is told.
  if (::syscall(SYS_mbind, memory.data(), memory.size(), MPOL_BIND, mask.data(), mask.size() * bits + 1, 0u) == 0) {
    return std::nullopt;
  }
  if (errno == EPERM || errno == EACCES) {
    return Reason{.code = "not-permitted",
                  .operation = "mbind",
                  .error_number = errno,
                  .message = "the system does not let this process bind memory to a node",
                  .remedy = "let the container's seccomp profile allow mbind"};
  }
  return refusal("mbind", errno, "memory cannot be bound to NUMA node " + std::to_string(node),
                 "choose a node that this process may use (Mems_allowed in /proc/self/status)");
}

}  // namespace

std::optional<Reason> numa_unsupported(uint32_t node) {
  const std::vector<uint32_t> all = read_kernel_list(nodes_with_memory, most_numa_nodes);
  if (all.size() < 2) {
    return refusal("read", 0, "this machine has one memory node: there is nothing to choose",
                   "leave the node out");
  }
  bool exists = false;
  for (const uint32_t one : all) exists = exists || one == node;
  if (!exists) {
    return refusal("read", 0, "there is no NUMA node " + std::to_string(node) + " with memory",
                   std::string("choose one of those in ") + nodes_with_memory);
  }
  const AnonymousMemory page(page_size(), page_size());
  return bind({page.data(), page.bytes()}, node);
}

void bind_to_node(std::span<std::byte> memory, uint32_t node) {
  if (memory.empty()) return;
  if (std::optional<Reason> reason = bind(memory, node)) throw Error(std::move(*reason));
}

std::optional<NodePages> pages_on_node(std::span<const std::byte> memory, uint32_t node) {
  std::vector<const void*> pages;
  for (uint64_t at = 0; at < memory.size(); at += huge_page_unit) pages.push_back(memory.data() + at);
  if (pages.empty()) return NodePages{};
  std::vector<int> places(pages.size(), -1);
  if (::syscall(SYS_move_pages, 0, pages.size(), pages.data(), nullptr, places.data(), 0) != 0) return std::nullopt;
  NodePages count;
  for (const int place : places) {
    if (place < 0) continue;
    ++count.asked;
    if (place == static_cast<int>(node)) ++count.on_node;
  }
  return count;
}

}  // namespace weighbridge
