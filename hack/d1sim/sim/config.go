package sim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// ErrConfig is what Run wraps when a Config cannot be used. Nothing was sent then.
var ErrConfig = errors.New("unusable configuration")

// Config says whom to call, as whom, and with what. The zero value of a field that is
// not called required means the default given with it.
type Config struct {
	// BaseURL is scheme, host and port of the gateway, with an optional base path. Required.
	BaseURL string
	// TokenPath is the path of the token endpoint. Default: the documented path of the dialect.
	TokenPath string
	// Dialect says which document describes the token endpoint. Default: conform.Ecom.
	Dialect conform.Dialect
	// ClientID and ClientSecret authenticate at the token endpoint. Without a ClientID no
	// token is asked for: OAuth is optional per D1 tenant.
	ClientID     string
	ClientSecret string
	// Scope is what to ask for, space separated. Empty asks for none.
	Scope string
	// TLS is the client's side of TLS, see LoadTLS. Default: the system's trusted roots.
	TLS *tls.Config
	// Transport replaces the network. TLS and Concurrency do not apply to it.
	Transport http.RoundTripper

	// GatewayID, MerchantIDs and TokenIDs fill the path of a notification. The first two
	// are required. They are sent as they are, so that malformed ones can be tried too.
	GatewayID   string
	MerchantIDs []string
	TokenIDs    []string
	// TokenPrefix makes token ids when TokenIDs is empty: the prefix and a number from 1 on. Default: "tok_".
	TokenPrefix string
	// UpdateTypes are sent in turn. Default: the two documented ones.
	UpdateTypes []string

	// Count is how many notifications to send. Default: 1, or no limit when Duration is set.
	Count int
	// Duration ends the sending. Notifications already under way are completed. Default: no limit.
	Duration time.Duration
	// Rate is in notifications a second. Default: as fast as Concurrency allows.
	Rate float64
	// Concurrency is how many notifications may be under way at once. Default: 8.
	Concurrency int
	// Timeout bounds one HTTP call. D1's own is not published. Default: 10 s.
	Timeout time.Duration
	// MaxRetries bounds the repetitions of one call after 503. Default: 5, negative: none.
	MaxRetries int
	// MaxRetryWait bounds the wait before a repetition, whatever Retry-After says. Default: 30 s.
	MaxRetryWait time.Duration
	// Expect is the status that each notification is to end with. Default: 204.
	Expect int

	// OnCall, when set, learns of every HTTP call as it completes. Calls of it do not overlap.
	OnCall func(Call)
}

// prepare checks the configuration and fills in the defaults.
func (c Config) prepare() (Config, error) {
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	setDefault(&c.Dialect, conform.Ecom)
	setDefault(&c.TokenPrefix, "tok_")
	setDefault(&c.Concurrency, 8)
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.MaxRetries, 5)
	setDefault(&c.MaxRetryWait, 30*time.Second)
	setDefault(&c.Expect, http.StatusNoContent)
	if len(c.UpdateTypes) == 0 {
		c.UpdateTypes = []string{"TOKEN_STATE_CHANGE", "CARD_UPDATE"}
	}
	if c.Count == 0 && c.Duration == 0 {
		c.Count = 1
	}
	if c.Transport == nil {
		c.Transport = newTransport(c.TLS, c.Concurrency)
	}
	return c, nil
}

func (c Config) check() error {
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil:
		return errors.New("the base URL does not parse") // the error would quote it, user information included
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return errors.New("the base URL is not an absolute http or https URL")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return errors.New("the base URL has more than scheme, host and path")
	case c.TokenPath != "" && !strings.HasPrefix(c.TokenPath, "/"):
		return errors.New("the token path does not start with a slash")
	case c.GatewayID == "":
		return errors.New("no gateway id")
	case len(c.MerchantIDs) == 0:
		return errors.New("no merchant id")
	case c.ClientID != "" && c.ClientSecret == "":
		return errors.New("a client id without a client secret")
	case c.ClientID == "" && c.ClientSecret != "":
		return errors.New("a client secret without a client id")
	case c.Count < 0, c.Duration < 0, c.Rate < 0, c.Concurrency < 0, c.Timeout < 0, c.MaxRetryWait < 0:
		return errors.New("a negative count, duration, rate, concurrency, timeout or wait")
	case c.Expect != 0 && (c.Expect < 100 || c.Expect > 599):
		return errors.New("the expected status is not an HTTP status")
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
