// Compiling for an instruction set that the processor at hand may lack. The code between WEIGHBRIDGE_TARGET_BEGIN and
// WEIGHBRIDGE_TARGET_END is compiled for the named features; compiler flags for the whole file would also compile the
// inline functions of the standard library for them, and the linker may keep that copy for everybody.
// So: every other include goes before BEGIN.
//
// WEIGHBRIDGE_SIMDE, where defined, names a header that emulates the intrinsics portably: the code then runs, slowly,
// on any processor. Only tests define it.
#pragma once

#if defined(WEIGHBRIDGE_SIMDE)
#include WEIGHBRIDGE_SIMDE
#define WEIGHBRIDGE_X86 1
#define WEIGHBRIDGE_TARGET_BEGIN(features)
#define WEIGHBRIDGE_TARGET_END
#elif defined(__x86_64__)
// GCC 12 warns of registers that its own AVX-512 header leaves undefined on purpose (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#define WEIGHBRIDGE_X86 1
#else
#define WEIGHBRIDGE_X86 0
#endif

#if defined(__aarch64__) && !defined(WEIGHBRIDGE_SIMDE)
#include <arm_neon.h>
#define WEIGHBRIDGE_ARM64 1
#if defined(__clang__)
#define WEIGHBRIDGE_DOTPROD "dotprod"
#else
#define WEIGHBRIDGE_DOTPROD "arch=armv8.2-a+dotprod"
#endif
#else
#define WEIGHBRIDGE_ARM64 0
#endif

#if !defined(WEIGHBRIDGE_SIMDE)
#define WEIGHBRIDGE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define WEIGHBRIDGE_TARGET_BEGIN(features) \
  WEIGHBRIDGE_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define WEIGHBRIDGE_TARGET_END WEIGHBRIDGE_PRAGMA(clang attribute pop)
#else
#define WEIGHBRIDGE_TARGET_BEGIN(features) \
  WEIGHBRIDGE_PRAGMA(GCC push_options) WEIGHBRIDGE_PRAGMA(GCC target(features))
#define WEIGHBRIDGE_TARGET_END WEIGHBRIDGE_PRAGMA(GCC pop_options)
#endif
#endif

#if defined(__clang__)
#define WEIGHBRIDGE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define WEIGHBRIDGE_UNROLL _Pragma("GCC unroll 16")
#endif
