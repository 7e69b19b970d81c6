// SPDX-License-Identifier: Apache-2.0
// What a broker says, in a bounded file: NAME with the newest lines and NAME.1 with those before, both 0600.
//
// The broker logs to its standard error, which is this file, opened by us to append. So the file outlives the hub
// process (a pipe would not, and with it no broker could be adopted), lies in a folder that the broker cannot write to,
// and may be cut at any time: the next line goes to what is its end then. Mosquitto 2.0 can reopen a log of its own on
// SIGHUP, but only together with its configuration, its certificates and everybody's right to be connected.
#pragma once

#include <filesystem>
#include <string>

namespace latchkey::hub::brokers {

class LogFile {
 public:
  static constexpr std::size_t kLimit = 1 << 20;  // bytes of each of the two

  // An empty path: there is none, and nothing is done.
  explicit LogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  // Over the limit, its end moves to NAME.1. A line that is written in the very moment may be lost. Costs one look at
  // the file's size as long as there is nothing to do. A disk that is full keeps the bound, not the lines.
  void bound() const;
  // The last `bytes` of it, from the start of a line on; empty when there is none.
  std::string tail(std::size_t bytes) const;

 private:
  const std::filesystem::path path_;
};

}  // namespace latchkey::hub::brokers
