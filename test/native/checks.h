// A count of named checks, for native test programs: each prints its failures and "N passed, N failed" at the end.
#pragma once

#include <cstdio>
#include <string>

namespace weighbridge::testing {

struct Checks {
  int passed = 0;
  int failed = 0;

  void check(bool right, const std::string& what) {
    if (right) {
      ++passed;
    } else {
      ++failed;
      std::printf("failed: %s\n", what.c_str());
    }
  }

  int finish() const {
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
  }
};

}  // namespace weighbridge::testing
