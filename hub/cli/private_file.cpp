// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace latchkey::hub::cli {

Result<int, Failure> create_private_file(const std::string& file) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  if (errno == EEXIST) return fail(Failure{kExitBadInput, file + " exists already; it is not written over"});
  return fail(Failure{kExitBadInput, "cannot make " + file + ": " + std::generic_category().message(errno)});
}

bool write_all(int descriptor, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return fsync(descriptor) == 0;
}

}  // namespace latchkey::hub::cli
