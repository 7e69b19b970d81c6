// SPDX-License-Identifier: Apache-2.0
// What bench_manage is measured against: the same SQLite file layout, written and read by prepared statements and
// nothing else: no rules, no hashes, no readers of its own. synchronous=FULL and WAL, as the registry has them.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

namespace latchkey::bench {

// "device-0000042"
std::string device_name(std::uint64_t number);

class Raw {
 public:
  // Makes the registry's tables in a new file, or opens one that has them. Throws std::runtime_error, as everything
  // here.
  explicit Raw(const std::string& path);
  ~Raw();
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  // One transaction that has of each device the rows that create_devices leaves: device, change and audit record, the
  // latter with a hash of zeros.
  void insert_devices(const std::vector<std::string>& ids);
  // From now on insert_devices writes no audit records.
  void leave_out_audit() { audits_ = false; }
  // One transaction that gives the device of that number another credential id, with the change and audit record.
  void touch(std::uint64_t number);
  // A page of devices, as Registry::list_devices reads it. Answers how many.
  std::size_t read_page(const std::string& after, int limit);
  // Statements without rows.
  void execute(const std::string& sql);
  std::string first_text(const std::string& sql);

 private:
  sqlite3_stmt* prepare(const char* sql);
  void run(sqlite3_stmt* statement);
  void note(const std::string& id, const std::uint8_t* uuid, const std::uint8_t* credential, const char* action);

  sqlite3* database_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
  sqlite3_stmt *device_, *change_, *audit_, *touch_, *page_, *begin_, *commit_, *counter_, *head_;
  std::vector<std::uint8_t> namespace_;
  std::int64_t sequence_ = 0;
  std::int64_t audited_ = 0;
  std::uint64_t made_ = 0;
  bool audits_ = true;
};

}  // namespace latchkey::bench
