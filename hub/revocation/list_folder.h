// SPDX-License-Identifier: Apache-2.0
// ListFolder: the revocation lists that lie in a folder as <ca uuid>.crl, and their shards as <ca uuid>/8/3.crl, for
// those who fetch them. A list is read again when its file was replaced, not before.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "registry/model/resources.h"

namespace latchkey::hub::revocation {

struct List {
  std::string der;
  std::string tag;  // of this content alone, for HTTP's ETag
  UnixMs this_update = 0;
  UnixMs next_update = 0;
};

// Of a CA's whole list, or of one of its shards.
struct ListName {
  Uuid ca;
  unsigned shards = 1;  // how many there are; 1: the whole list
  unsigned index = 0;
  std::string path() const;  // "{ca}.crl", "{ca}/8/3.crl"
};
// Reads path(), in its one spelling; nothing else becomes part of a file's name.
std::optional<ListName> parse_list_name(std::string_view path);

class ListFolder {
 public:
  explicit ListFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Null when there is none, or when what lies there is no list.
  std::shared_ptr<const List> list(const ListName& name);

 private:
  struct Stamp {  // of a file: another one after each replacement
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Kept {
    Stamp stamp;
    std::shared_ptr<const List> list;
  };
  static std::optional<Stamp> stamp_of(const std::filesystem::path& file);

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // by path; guarded by mutex_
};

// A short name for content, the same for the same bytes.
std::string tag_of(ByteView content);

}  // namespace latchkey::hub::revocation
