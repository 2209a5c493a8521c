// Which instruction sets may be used: the processor must have them and the operating system must save their registers.
#include <array>
#include <string>

#include "llama.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace weighbridge {

namespace {

constexpr Isa every_isa[] = {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::avx512vnni, Isa::neon};

#if defined(__x86_64__)

constexpr bool has(uint32_t bits, int bit) { return (bits >> bit & 1u) != 0; }

// Extended control register 0: which register files the operating system saves. Intel SDM, volume 1, chapter 13.
uint64_t extended_control_register() noexcept {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

// Bits as in Intel SDM, volume 2, CPUID leaves 1 and 7.
bool supported(Isa isa) noexcept {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (isa == Isa::scalar) return true;
  if (isa == Isa::neon) return false;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
  const bool xsave_in_use = has(ecx, 27);
  const bool avx = has(ecx, 28), fma = has(ecx, 12), f16c = has(ecx, 29);
  if (!xsave_in_use || !avx || !fma || !f16c) return false;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  const uint64_t saved = extended_control_register();
  constexpr uint64_t sse_and_avx = 0x6;
  constexpr uint64_t opmask_and_zmm = 0xe0;
  if ((saved & sse_and_avx) != sse_and_avx || !has(ebx, 5)) return false;
  if (isa == Isa::avx2) return true;
  if (isa == Isa::avxvnni) {
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && has(eax, 4);
  }
  const bool f = has(ebx, 16), dq = has(ebx, 17), bw = has(ebx, 30), vl = has(ebx, 31), vnni = has(ecx, 11);
  if ((saved & opmask_and_zmm) != opmask_and_zmm || !f || !dq || !bw || !vl) return false;
  return isa == Isa::avx512 || vnni;
}

#elif defined(__aarch64__)

bool supported(Isa isa) noexcept {
  return isa == Isa::scalar || (isa == Isa::neon && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0);
}

#else

bool supported(Isa isa) noexcept { return isa == Isa::scalar; }

#endif

struct Available {
  std::array<Isa, std::size(every_isa)> isas = {};
  size_t count = 0;
};

const Available& available() noexcept {
  static const Available found = [] {
    Available result;
    for (const Isa isa : every_isa) {
      if (supported(isa)) result.isas[result.count++] = isa;
    }
    return result;
  }();
  return found;
}

std::string names(std::span<const Isa> isas) {
  std::string text;
  for (const Isa isa : isas) text += (text.empty() ? "" : ", ") + std::string(name_of(isa));
  return text;
}

}  // namespace

const char* name_of(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avxvnni:
      return "avxvnni";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512vnni:
      return "avx512vnni";
    case Isa::neon:
      return "neon";
  }
  return "unknown";
}

std::span<const Isa> available_isas() noexcept {
  const Available& found = available();
  return {found.isas.data(), found.count};
}

Isa isa_by_name(const std::string& name) {
  const std::span<const Isa> here = available_isas();
  if (name == "auto") return here.back();
  for (const Isa isa : here) {
    if (name == name_of(isa)) return isa;
  }
  for (const Isa isa : every_isa) {
    if (name == name_of(isa)) {
      throw Error(Reason{.code = "unsupported-isa",
                         .operation = "isa",
                         .message = "instruction set " + name + " is not supported by this processor and system",
                         .remedy = "use one of: auto, " + names(here)});
    }
  }
  throw Error(Reason{.code = "bad-option",
                     .operation = "isa",
                     .message = "there is no instruction set called " + name,
                     .remedy = "use one of: auto, " + names(here)});
}

}  // namespace weighbridge
