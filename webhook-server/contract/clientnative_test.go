package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

var goStyles = map[string]oauth2.AuthStyle{
	"":                  oauth2.AuthStyleAutoDetect,
	"AuthStyleInHeader": oauth2.AuthStyleInHeader,
	"AuthStyleInParams": oauth2.AuthStyleInParams,
}

// goClient is golang.org/x/oauth2/clientcredentials.
func goClient(t *testing.T, order clientOrder) []clientEnd {
	var ends []clientEnd
	for _, tokenURL := range order.TokenURLs {
		for _, c := range order.Clients {
			end := clientEnd{Name: c.Name, TokenURL: tokenURL}
			config := &clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret, TokenURL: tokenURL, AuthStyle: goStyles[order.Setting]}
			if err := goEnd(t.Context(), order, config, &end); err != nil {
				end.Error = err.Error()
			}
			ends = append(ends, end)
		}
	}
	return ends
}

func goEnd(ctx context.Context, order clientOrder, config *clientcredentials.Config, end *clientEnd) error {
	counting := &countingTransport{next: order.world.Over(running.TLS13HTTP2).HTTP.Transport}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: counting})
	tokens := config.TokenSource(ctx)
	token, err := tokens.Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return errors.New(refused.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("getting a token: %w", err)
	}
	// A client that finds the method out by trying must find it at the first try: failures are counted.
	if n := counting.requests.Load(); n != 1 {
		return fmt.Errorf("%d requests for one token", n)
	}
	end.TokenType, end.ExpiresIn = token.Type(), int64(time.Until(token.Expiry).Round(time.Second).Seconds())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, order.NotifyURL, strings.NewReader(`{"updateType":"TOKEN_STATE_CHANGE"}`))
	if err != nil {
		return fmt.Errorf("building the notification: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := oauth2.NewClient(ctx, tokens).Do(request)
	if err != nil {
		return fmt.Errorf("notifying: %w", err)
	}
	end.NotifyStatus = response.StatusCode
	return response.Body.Close()
}

type countingTransport struct {
	next     http.RoundTripper
	requests atomic.Int64
}

func (c *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return c.next.RoundTrip(r)
}

// curlClient is curl -u with --http2 or --http1.1, which must speak the version that is asked for.
func curlClient(version string) func(*testing.T, clientOrder) []clientEnd {
	return func(t *testing.T, order clientOrder) []clientEnd {
		run := curlRunner(t, order, version)
		var ends []clientEnd
		for _, tokenURL := range order.TokenURLs {
			for _, c := range order.Clients {
				end := clientEnd{Name: c.Name, TokenURL: tokenURL}
				if err := curlEnd(run, order, c, &end); err != nil {
					end.Error = err.Error()
				}
				ends = append(ends, end)
			}
		}
		return ends
	}
}

// curlRun answers the status and the body.
type curlRun func(args ...string) (int, []byte, error)

func curlRunner(t *testing.T, order clientOrder, version string) curlRun {
	path, env := debianProgram(t, "curl"), cleanEnvironment(t, order.world)
	return func(args ...string) (int, []byte, error) {
		// -q comes first: it leaves out the settings of the machine.
		command := exec.CommandContext(t.Context(), path, append([]string{"-q", "-sS", order.Setting, "-w", "\n%{http_code} %{http_version}"}, args...)...)
		command.Env = env
		out, err := command.CombinedOutput()
		if err != nil {
			return 0, nil, fmt.Errorf("curl: %w: %s", err, out)
		}
		body, told := out[:strings.LastIndexByte(string(out), '\n')], string(out[strings.LastIndexByte(string(out), '\n')+1:])
		var status int
		var spoken string
		if _, err := fmt.Sscan(told, &status, &spoken); err != nil {
			return 0, nil, fmt.Errorf("reading %q: %w", told, err)
		}
		if spoken != version {
			return 0, nil, fmt.Errorf("curl speaks HTTP/%s and not HTTP/%s", spoken, version)
		}
		return status, body, nil
	}
}

func curlEnd(run curlRun, order clientOrder, c namedCredentials, end *clientEnd) error {
	_, body, err := run("-u", c.ID+":"+c.Secret, "--data", "grant_type=client_credentials", end.TokenURL)
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"` // one dialect answers a number, the other a string
		Error       string      `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	end.TokenType = answer.TokenType
	if end.ExpiresIn, err = answer.ExpiresIn.Int64(); err != nil {
		return fmt.Errorf("reading expires_in: %w", err)
	}
	end.NotifyStatus, _, err = run("-H", "Authorization: Bearer "+answer.AccessToken, "-H", "Content-Type: application/json",
		"--data", `{"updateType":"TOKEN_STATE_CHANGE"}`, order.NotifyURL)
	return err
}
