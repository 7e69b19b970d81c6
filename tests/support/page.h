// SPDX-License-Identifier: Apache-2.0
// The blocks of a page of docs/ that stand between fences: tests run what users are told to type.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace latchkey::tests {

struct Block {
  std::string mark;  // what stands behind the fence
  std::string text;
};

inline std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  std::istringstream lines(page);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), {}});
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

}  // namespace latchkey::tests
