package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"

	"github.com/d1gateway/d1gateway/webhook-server/admin/client"
)

// The environment variables in place of --server and --token-file.
const (
	envServer    = "D1GATEWAY_ADMIN"
	envTokenFile = "D1GATEWAY_ADMIN_TOKEN_FILE" // #nosec G101 -- the name of a variable
)

const defaultServer = "http://127.0.0.1:9091"

// connection is how to reach the server, and how to show what it answers.
type connection struct {
	server, tokenFile string
	output            string
}

func (i *invocation) connection() *connection {
	c := &connection{}
	c.server, c.tokenFile = i.Getenv(envServer), i.Getenv(envTokenFile)
	if c.server == "" {
		c.server = defaultServer
	}
	i.flags.StringVar(&c.server, "server", c.server, "`URL` of the administration API (default $"+envServer+", else "+defaultServer+")")
	i.flags.StringVar(&c.tokenFile, "token-file", c.tokenFile, "`FILE` whose first line is the token (default $"+envTokenFile+", else none)")
	i.flags.StringVar(&c.output, "o", "table", "`FORMAT` of the answer: table or json")
	return c
}

// connect makes the client.
func (c *connection) connect() (*client.Client, error) {
	if c.output != "table" && c.output != "json" {
		return nil, usagef("-o must be table or json")
	}
	made, err := client.New(client.Options{Server: c.server, TokenFile: c.tokenFile})
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return nil, usagef("--token-file: %w", err)
	case err != nil:
		return nil, usagef("--server or --token-file: %w", err)
	}
	return made, nil
}

// json says whether the answer is shown as JSON, and shows it then.
func (c *connection) json(i *invocation, answer any) (bool, error) {
	if c.output != "json" {
		return false, nil
	}
	encoder := json.NewEncoder(i.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return true, encoder.Encode(answer)
}

// explain adds what to do about an error that tells of none.
func explain(err error) error {
	var answered *client.Error
	switch {
	case errors.As(err, &answered) && answered.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w (give one with --token-file)", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w\nNo server answers there. From outside the cluster, first run: kubectl -n d1gateway-system port-forward POD 9091 (a Pod of the webhook-server)", err)
	}
	return err
}
