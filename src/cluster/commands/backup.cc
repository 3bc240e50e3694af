#include "cluster/access.h"
#include "cluster/backup_file.h"
#include "cluster/commands.h"
#include "cluster/encryption_key.h"
#include "cluster/progress.h"
#include "cluster/store_options.h"
#include "io/files.h"

namespace pinnace::cluster::command {

namespace {

constexpr std::size_t kMaxBackupBytes = std::size_t{16} << 30;

struct Place {
  Settings settings;
  StoreSettings store;
  std::shared_ptr<store::Transformer> transformer;  // Null: nothing is encrypted.
};

Result<Place> find_place(const Arguments& arguments) {
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  auto store = resolve_store_settings(arguments);
  if (!store) return std::unexpected(std::move(store.error()));
  auto transformer = open_transformer(arguments.get(kEncryptionFlag), *settings, *store);
  if (!transformer) return std::unexpected(std::move(transformer.error()));
  return Place{std::move(*settings), std::move(*store), std::move(*transformer)};
}

Result<store::Content> read_content(const Place& place) {
  if (!place.store.is_shared()) {
    return store::read_embedded(place.settings.database_dir(), place.transformer.get());
  }
  auto access = etcd_access(place.store);
  if (!access) return std::unexpected(std::move(access.error()));
  access->transformer = place.transformer;
  return store::read_etcd(*access);
}

Result<void> write_content(const Place& place, const store::Content& content, bool force) {
  if (!place.store.is_shared()) {
    if (server_pid(place.settings) != 0) {
      return errors::conflict("clusters", place.settings.name,
                              "it runs; stop it first with: pinnace down");
    }
    auto made = io::make_directories(place.settings.data_dir, 0700);
    if (!made) return made;
    return store::write_embedded(place.settings.database_dir(), content, force,
                                 place.transformer.get());
  }
  auto access = etcd_access(place.store);
  if (!access) return std::unexpected(std::move(access.error()));
  access->transformer = place.transformer;
  return store::write_etcd(*access, content, force);
}

Result<void> run_backup(const Arguments& arguments) {
  auto place = find_place(arguments);
  if (!place) return std::unexpected(std::move(place.error()));
  auto content = read_content(*place);
  if (!content) return std::unexpected(std::move(content.error()));
  const std::string& path = arguments.positional.front();
  // Secrets are in it, in the clear.
  auto written = io::write_file_atomic(path, encode_backup(*content), 0600);
  if (!written) return written;
  show("wrote " + std::to_string(content->objects.size()) + " objects at revision " +
       std::to_string(content->revision) + " to " + path);
  return {};
}

Result<void> run_restore(const Arguments& arguments) {
  auto place = find_place(arguments);
  if (!place) return std::unexpected(std::move(place.error()));
  const std::string& path = arguments.positional.front();
  auto bytes = io::read_file(path, kMaxBackupBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  auto content = decode_backup(*bytes);
  if (!content) {
    content.error().message = path + ": " + content.error().message;
    return std::unexpected(std::move(content.error()));
  }
  auto written = write_content(*place, *content, arguments.has("force"));
  if (!written) return written;
  show("restored " + std::to_string(content->objects.size()) + " objects from " + path);
  return {};
}

Command with_store(Command command) {
  auto options = locating_options();
  const auto of_store = store_options();
  options.insert(options.end(), of_store.begin(), of_store.end());
  options.push_back(
      {kEncryptionFlag, "FILE", "an EncryptionConfiguration, in place of our own key"});
  options.insert(options.end(), command.options.begin(), command.options.end());
  command.options = std::move(options);
  command.arguments = "FILE";
  command.min_arguments = command.max_arguments = 1;
  return command;
}

}  // namespace

Command backup() {
  return with_store({.name = "backup",
                     .summary = "Write all objects of a cluster, which may run, into a file",
                     .examples = "  pinnace backup cluster.backup\n",
                     .run = run_backup});
}

Command restore() {
  return with_store(
      {.name = "restore",
       .summary = "Put the objects of a backup into a store, of either kind, that is not in use",
       .examples = "  pinnace restore cluster.backup\n"
                   "  pinnace restore --etcd-servers https://10.0.0.1:2379 cluster.backup\n",
       .options = {{"force", "", "replace what is there"}},
       .run = run_restore});
}

}  // namespace pinnace::cluster::command
