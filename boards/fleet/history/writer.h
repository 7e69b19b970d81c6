// SPDX-License-Identifier: Apache-2.0
// Writes one worker's history to a file of its own. What it says is handed to the system once a second or 64 KiB, so a
// worker that is killed loses the last second at most, and tears at most the last line. Nothing is synced: a history
// does not have to survive the machine.
//
// One thread. A record's time is never before the one in front of it: it is raised to that.
#pragma once

#include <filesystem>
#include <string>

#include "boards/fleet/history/record.h"
#include "platform/base/status.h"
#include "platform/files/descriptor.h"

namespace latchkey::boards::fleet::history {

// The file of a worker (0: the parent) in a run's folder: "history-000.jsonl".
std::filesystem::path file_of(const std::filesystem::path& folder, std::uint32_t worker);

class Writer {
 public:
  // Makes the file (0600) and writes `run` at time 0. kInvalidArgument: there is such a file already; kStorageFull,
  // kStorageFailed.
  static Result<Writer> create(const std::filesystem::path& file, const RunBegun& run);
  Writer(Writer&&) = default;
  Writer& operator=(Writer&&) = default;
  ~Writer();  // flushes

  // Never fails: a file that cannot be written to is told by status(), and from then on nothing is kept.
  void write(TimeUs time, Device device, const Body& body);
  void write(TimeUs time, const Body& body) { write(time, kNoDevice, body); }
  // To be called once a second by who may write nothing for long.
  void flush();
  // kOk, kStorageFull, kStorageFailed.
  Status status() const { return status_; }
  std::uint64_t written() const { return written_; }  // bytes, of what is flushed

 private:
  explicit Writer(files::Descriptor file) : file_(std::move(file)) {}

  files::Descriptor file_;
  std::string buffer_;
  TimeUs last_ = 0;
  TimeUs flushed_at_ = 0;
  std::uint64_t written_ = 0;
  Status status_ = Status::kOk;
};

}  // namespace latchkey::boards::fleet::history
