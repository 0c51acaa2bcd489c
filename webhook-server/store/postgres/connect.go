package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How many connections a store opens at most.
const (
	writerConnections = 7
	claimConnections  = 4
	searchConnections = 4
)

// connectTimeout is how long connecting to one host may take unless the URL says otherwise.
const connectTimeout = 5 * time.Second

// durability is whether a pool's commits are flushed before they are answered.
type durability bool

const (
	durable durability = true
	// soon: within a second or so.
	soon durability = false
)

// source is where the connection URL comes from.
type source struct {
	url, file string
}

// pool opens a pool of at most so many connections, set up by prepare.
func (s source) pool(ctx context.Context, connections int32, prepare func(context.Context, *pgx.Conn) error) (*pgxpool.Pool, error) {
	text, err := s.read()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, withoutSecrets(text, err)
	}
	if config.ConnConfig, err = parse(text); err != nil {
		return nil, err
	}
	config.MaxConns = connections
	config.MinConns, config.MinIdleConns = 0, 0
	config.MaxConnLifetimeJitter = config.MaxConnLifetime / 4
	config.BeforeConnect = s.refresh
	config.AfterConnect = prepare
	return pgxpool.NewWithConfig(ctx, config)
}

// refresh takes the URL for a new connection from the file.
func (s source) refresh(_ context.Context, config *pgx.ConnConfig) error {
	if s.file == "" {
		return nil
	}
	text, err := s.read()
	if err != nil {
		return err
	}
	fresh, err := parse(text)
	if err != nil {
		return err
	}
	*config = *fresh
	return nil
}

func (s source) read() (string, error) {
	if s.file == "" {
		return s.url, nil
	}
	text, err := os.ReadFile(s.file)
	if err != nil {
		return "", fmt.Errorf("reading the connection URL: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// parse reads a URL and fills in what it leaves out.
func parse(text string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, errNoURL
	}
	withPool, err := pgxpool.ParseConfig(text) // it knows the pool's parameters, which are no settings of the server
	if err != nil {
		return nil, withoutSecrets(text, err)
	}
	config := withPool.ConnConfig
	if config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if config.ConnectTimeout == 0 || !strings.Contains(text, "connect_timeout") {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "d1gateway"
	}
	return config, nil
}

// withoutSecrets answers what is wrong with a URL. The parser's own text repeats parts of it, so it is only kept for a URL whose passwords can be told from the rest.
func withoutSecrets(text string, err error) error {
	u, broken := url.Parse(text)
	if broken != nil {
		return errors.New("the connection URL is malformed")
	}
	reason := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		reason = inner.Error()
	}
	secrets := u.Query()["password"]
	secrets = append(secrets, u.Query()["sslpassword"]...)
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password, url.QueryEscape(password), url.PathEscape(password))
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(reason, secret) {
			return errors.New("the connection URL is malformed")
		}
	}
	return fmt.Errorf("the connection URL: %s", reason)
}

// sessionText makes what this package relies on independent of the defaults of server, database and role: commits that are flushed, a new snapshot for each statement, and
// the end, within about a minute, of what a replica that has vanished had begun. A stricter synchronous_commit of the operator's stays.
const sessionText = `SELECT
	set_config('synchronous_commit', CASE WHEN NOT $1 THEN 'off' WHEN current_setting('synchronous_commit') = 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '60s', false),
	set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)`

// hotText has the statements of the hot path planned once, and by way of indexes row by row: the planner has no better idea, but wrong ones when its statistics are old. The table is
// usually either empty or large, and what waits in it sometimes nothing and sometimes everything.
const hotText = `SELECT set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false), set_config('enable_seqscan', 'off', false),
	set_config('enable_bitmapscan', 'off', false), set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false)`

// prepare sets up a new connection.
func (d durability) prepare(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, sessionText, pgx.QueryExecModeExec, bool(d)); err != nil {
		return fmt.Errorf("setting up a connection: %w", err)
	}
	return nil
}

// prepareHot sets up a new connection for the hot path.
func (d durability) prepareHot(ctx context.Context, conn *pgx.Conn) error {
	if err := d.prepare(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, hotText, pgx.QueryExecModeExec); err != nil {
		return fmt.Errorf("setting up a connection: %w", err)
	}
	return nil
}
