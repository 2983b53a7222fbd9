#include "db/copy.h"

#include <array>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "db/opening.h"

namespace hallmark::db {

namespace {

/// Rows in memory at once.
constexpr int kPage = 500;

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<bool> is_text;  ///< of each column; else an integer
};

std::vector<Table> tables_of(Session& sqlite) {
  std::vector<Table> tables;
  // In the order they were made, so that what is referred to comes first. `migrations` is no data:
  // the other database has its own.
  for (const Row& row :
       sqlite.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE"
                    " 'sqlite_%' AND name <> 'migrations' ORDER BY rowid",
                    {})) {
    Table table{row.text("name"), {}, {}};
    for (const Row& column :
         sqlite.query("SELECT name, type FROM pragma_table_info(:name) ORDER BY cid",
                      {{"name", table.name}})) {
      table.columns.push_back(column.text("name"));
      const std::string type = to_lower(column.text("type"));
      table.is_text.push_back(type == "text");
      if (type == "text" || type == "bigint" || type == "integer") continue;
      throw Error(ErrorKind::internal, "column {} of {} is of type {}", table.columns.back(),
                  table.name, type);
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string encoded(const Value& value) {
  if (auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("i{};", *integer);
  if (auto* text = std::get_if<std::string>(&value))
    return fmt::format("t{}:{};", text->size(), *text);
  return "n;";
}

/// A sum: it does not depend on the order, in which the two databases do not agree.
class Digest {
 public:
  void add(const std::vector<Value>& values) {
    std::string row;
    for (const Value& value : values) row += encoded(value);
    const std::string digest = sha256_hex(row);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      sum_[i] += std::stoull(digest.substr(i * 16, 16), nullptr, 16);
    }
    ++rows_;
  }
  CopiedTable of(const std::string& table) const {
    return {table, rows_,
            sha256_hex(fmt::format("{}\n{}\n{}\n{}", sum_[0], sum_[1], sum_[2], sum_[3]))};
  }

 private:
  std::array<std::uint64_t, 4> sum_{};
  std::int64_t rows_ = 0;
};

std::vector<Value> values_of(const Row& row, const Table& table) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    Value value = nullptr;
    if (table.is_text[i]) {
      if (auto text = row.optional_text(table.columns[i])) value = *std::move(text);
    } else if (auto integer = row.optional_integer(table.columns[i])) {
      value = *integer;
    }
    values.push_back(std::move(value));
  }
  return values;
}

CopiedTable send(Session& from, Session& to, const Table& table) {
  std::vector<std::string> names;
  for (const std::string& column : table.columns) names.push_back(":" + column);
  const std::string list = join(table.columns, ", ");
  const std::string insert =
      fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, list, join(names, ", "));
  const std::string select = fmt::format(
      "SELECT rowid AS copied_row, {} FROM {} WHERE rowid > :last ORDER BY rowid LIMIT {}", list,
      table.name, kPage);
  Digest digest;
  std::int64_t last = -1;
  for (bool more = true; more;) {
    const std::vector<Row> rows = from.query(select, {{"last", last}});
    for (const Row& row : rows) {
      last = row.integer("copied_row");
      const std::vector<Value> values = values_of(row, table);
      std::vector<Parameter> parameters;
      for (std::size_t i = 0; i < values.size(); ++i) {
        parameters.push_back({table.columns[i], values[i]});
      }
      to.execute(insert, parameters);
      digest.add(values);
    }
    more = !rows.empty();
  }
  return digest.of(table.name);
}

CopiedTable arrived(Session& to, const Table& table) {
  Digest digest;
  to.execute(fmt::format("DECLARE arrived NO SCROLL CURSOR FOR SELECT {} FROM {}",
                         join(table.columns, ", "), table.name),
             {});
  for (bool more = true; more;) {
    const std::vector<Row> rows = to.query(fmt::format("FETCH {} FROM arrived", kPage), {});
    for (const Row& row : rows) digest.add(values_of(row, table));
    more = !rows.empty();
  }
  to.execute("CLOSE arrived", {});
  return digest.of(table.name);
}

void refuse_unless_empty(Session& to, const std::vector<Table>& tables) {
  // What the migrations themselves put there.
  to.execute("DELETE FROM audit_head WHERE sequence = 0", {});
  for (const Table& table : tables) {
    if (to.query("SELECT 1 AS there FROM " + table.name + " LIMIT 1", {}).empty()) continue;
    throw Error(ErrorKind::conflict, "the database that is to be filled is not empty: {} has rows",
                table.name)
        .hint("name a new database; make one with: createdb NAME");
  }
}

}  // namespace

std::vector<CopiedTable> copy_database(const std::string& from_url, const std::string& to_url,
                                       const std::function<void(Connection&)>& check) {
  if (!from_url.starts_with("sqlite://") ||
      !(to_url.starts_with("postgresql://") || to_url.starts_with("postgres://"))) {
    throw Error(ErrorKind::usage, "from {} to {}: only SQLite is moved to PostgreSQL",
                shown(from_url), shown(to_url))
        .hint("copies of one kind are made with its own tools: sqlite3's .backup, pg_dump");
  }
  const SqliteLocation location = parse_sqlite_url(from_url);
  if (!std::filesystem::exists(location.path)) {
    throw Error(ErrorKind::not_found, "there is no database {}", location.path.string());
  }
  prepare_sqlite(location);
  prepare_postgresql(to_url);
  std::vector<CopiedTable> copied;
  try {
    const auto from = connect_sqlite(location);
    from->execute("BEGIN IMMEDIATE", {});
    check(*from);
    const std::vector<Table> tables = tables_of(*from);
    const auto to = connect_postgresql(to_url, Use::writing);
    to->execute("BEGIN ISOLATION LEVEL SERIALIZABLE", {});
    refuse_unless_empty(*to, tables);
    for (const Table& table : tables) copied.push_back(send(*from, *to, table));
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const CopiedTable there = arrived(*to, tables[i]);
      if (there.rows == copied[i].rows && there.digest == copied[i].digest) continue;
      throw Error(ErrorKind::corrupt, "table {} did not arrive as it was sent ({} rows of {})",
                  there.name, there.rows, copied[i].rows)
          .hint("nothing was kept; the database it came from is as it was");
    }
    to->execute("COMMIT", {});
    from->execute("ROLLBACK", {});
  } catch (const Busy& busy) {
    throw Error(ErrorKind::conflict, "one of the databases is in use: {}", busy.message)
        .hint("stop whatever uses them, and try again");
  } catch (const Away& away) {
    throw Error(ErrorKind::unavailable, "the PostgreSQL database went away: {}", away.message)
        .hint("nothing was kept, unless it was the very end; look, and try again");
  }
  return copied;
}

}  // namespace hallmark::db
