// SPDX-License-Identifier: Apache-2.0
// The figures of a run while it goes on, for Prometheus: made anew every second from the histories that the workers
// write, and served over plain HTTP on loopback. It is a reader like any other: it holds nobody up, and tells nothing
// that is not in the files (two seconds late).
//
// A thread of its own reads, others serve. One owner.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "boards/fleet/history/record.h"

namespace latchkey::hub::http {
class Server;
struct Request;
struct Response;
}  // namespace latchkey::hub::http

namespace latchkey::boards::fleet::program {

struct MetricsAddress {
  std::string host;  // numeric, of this machine; without brackets
  std::uint16_t port = 0;
};
// "127.0.0.1:9465", "[::1]:0". Nothing: not that form, or not a loopback address.
std::optional<MetricsAddress> parse_metrics_address(std::string_view text);

class Exporter {
 public:
  // `now`: the run's time, from any thread. Null when the address cannot be had.
  static std::unique_ptr<Exporter> start(const MetricsAddress& address, const std::filesystem::path& folder,
                                         std::uint32_t workers, std::function<history::TimeUs()> now);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  std::string url() const;  // with the port that it was given

 private:
  Exporter() = default;
  void follow(const std::filesystem::path& folder, std::uint32_t workers, const std::function<history::TimeUs()>& now);
  hub::http::Response answer(const hub::http::Request& request);

  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::string text_;  // as it was last made
  std::string host_;
  std::thread reader_;
  std::unique_ptr<hub::http::Server> server_;
};

}  // namespace latchkey::boards::fleet::program
