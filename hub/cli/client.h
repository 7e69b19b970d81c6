// SPDX-License-Identifier: Apache-2.0
// The management API as the verbs see it, and its client over a Unix socket; also for programs that ask for more than
// a command line can, such as benchmarks.
#pragma once

#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace latchkey::hub::cli {

// Why there is no answer to show, and what the process exits with.
struct Failure {
  int exit_status = 1;
  std::string message;
};
inline constexpr int kExitOurFault = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitRefused = 4;
inline constexpr int kExitTryAgain = 5;

struct Reply {
  int status = 0;
  std::string body;
  std::vector<std::string> warnings = {};  // what was done all the same
};

class Api {
 public:
  virtual ~Api() = default;
  // One exchange; `body` empty for none. A Failure only when there was no answer.
  virtual Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                          const std::string& body) = 0;
};

// Each exchange has its own connection. Blocks, up to two minutes for an answer.
std::unique_ptr<Api> unix_socket_api(const std::string& data_folder);

// Says the warnings of what `inner` answers to people, a line each.
class WarningApi final : public Api {
 public:
  // Both outlive this object.
  WarningApi(Api& inner, std::ostream& people) : inner_(inner), people_(people) {}
  Result<Reply, Failure> exchange(const std::string& method, const std::string& target,
                                  const std::string& body) override;

 private:
  Api& inner_;
  std::ostream& people_;
};

// The answer's JSON (null when it has none), or the failure that an error body tells of.
Result<nlohmann::json, Failure> call(Api& api, const std::string& method, const std::string& target,
                                     const nlohmann::json& body);

}  // namespace latchkey::hub::cli
