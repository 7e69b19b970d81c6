// SPDX-License-Identifier: Apache-2.0
// While one of these lives, its thread changes no row that a Memo keeps, and none by which devices are judged beside:
// enrollments, policies, hubs and what they trust, and of CAs whether and until when they sign. A statement that would
// is refused with kInternal and does not run. For acts that leave the edition as it is (Transaction::touch): what they
// changed would be seen by nobody who remembers.
#pragma once

#include <string_view>

namespace latchkey::registry::store {

class Sparing {
 public:
  explicit Sparing(bool spares = true);
  ~Sparing();
  Sparing(const Sparing&) = delete;
  Sparing& operator=(const Sparing&) = delete;

  // Whether this thread may run that statement now.
  static bool allows(std::string_view sql);

 private:
  const bool before_;
};

}  // namespace latchkey::registry::store
