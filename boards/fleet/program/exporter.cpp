// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/exporter.h"

#include <arpa/inet.h>

#include <charconv>
#include <chrono>

#include "boards/fleet/history/follower.h"
#include "boards/fleet/report/metrics.h"
#include "boards/fleet/report/tally.h"
#include "hub/http/server.h"

namespace latchkey::boards::fleet::program {
namespace {

using hub::http::Request;
using hub::http::Response;

constexpr std::size_t kMostConnections = 16;

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;  // RFC 1122 section 3.2.1.3
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace

std::optional<MetricsAddress> parse_metrics_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  MetricsAddress address;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  address.host = host;
  const auto port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || !is_loopback(address.host)) return std::nullopt;
  return address;
}

std::unique_ptr<Exporter> Exporter::start(const MetricsAddress& address, const std::filesystem::path& folder,
                                          std::uint32_t workers, std::function<history::TimeUs()> now) {
  std::unique_ptr<Exporter> exporter(new Exporter);
  exporter->host_ = address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]";
  exporter->text_ = report::metrics_of(report::Tally().figures());
  hub::http::Options options;
  options.threads = 1;
  options.connection_limit = kMostConnections;
  hub::http::Handlers handlers;
  handlers.handle = [self = exporter.get()](const Request& request) { return self->answer(request); };
  auto server = hub::http::Server::listen_tcp(address.host, address.port, options, std::move(handlers));
  if (!server) return nullptr;
  exporter->server_ = std::move(*server);
  exporter->reader_ = std::thread(
      [self = exporter.get(), folder, workers, now = std::move(now)] { self->follow(folder, workers, now); });
  return exporter;
}

Exporter::~Exporter() {
  if (server_) server_->stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (reader_.joinable()) reader_.join();
}

std::string Exporter::url() const { return "http://" + host_ + ":" + std::to_string(server_->port()) + "/metrics"; }

void Exporter::follow(const std::filesystem::path& folder, std::uint32_t workers,
                      const std::function<history::TimeUs()>& now) {
  history::Follower follower(folder, workers);
  report::Tally tally;
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    for (const auto& record : follower.take(now())) tally.take(record);
    auto text = report::metrics_of(tally.figures());
    lock.lock();
    text_ = std::move(text);
    stopping_.wait_for(lock, std::chrono::seconds(1), [this] { return stopped_; });
  }
}

Response Exporter::answer(const Request& request) {
  if (request.path != "/metrics") return {404, "text/plain; charset=utf-8", "the figures are at /metrics\n"};
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, "text/plain; charset=utf-8", "only to be read\n", {{"Allow", "GET, HEAD"}}};
  }
  const std::lock_guard lock(mutex_);
  return {200, std::string(report::kMetricsType), text_};
}

}  // namespace latchkey::boards::fleet::program
