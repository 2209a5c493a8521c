#include "dot.h"

namespace weighbridge::kernel {

Multiply DotTable::multiply(gguf::TensorType type) const noexcept {
  for (const DotRow& row : rows) {
    if (row.type == type) return row.multiply;
  }
  return nullptr;
}

const DotTable* dot_table(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return &scalar_dots;
#if defined(__x86_64__)
    case Isa::avx2:
      return &avx2_dots;
    case Isa::avxvnni:
      return &avxvnni_dots;
    case Isa::avx512:
      return &avx512_dots;
    case Isa::avx512vnni:
      return &avx512vnni_dots;
#elif defined(__aarch64__)
    case Isa::neon:
      return &neon_dots;
#endif
    default:
      return nullptr;
  }
}

}  // namespace weighbridge::kernel
