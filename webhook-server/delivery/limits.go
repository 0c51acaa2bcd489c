package delivery

import (
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/serving"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// limits are what the lane may do now.
type limits struct {
	maxInFlight  int
	maxPerSecond int
	target       target
}

// limitsOf reads a destination's limits. Without a destination there is nothing to send: one at a time is enough to find that out.
func limitsOf(d *serving.Destination, quota int) limits {
	if d == nil {
		return limits{maxInFlight: 1}
	}
	return limits{maxInFlight: min(d.MaxInFlight, quota), maxPerSecond: d.MaxPerSecond, target: targetOf(d)}
}

// target is what a destination is known by: when it changes, what was learned about the old one says nothing about the new one.
type target struct {
	url   string
	tls   api.TLS
	oauth string
}

func targetOf(d *serving.Destination) target {
	t := target{url: d.URL, tls: d.TLS}
	if o := d.OAuth; o != nil {
		t.oauth = strings.Join(append([]string{o.TokenURL, o.Credentials, o.TLS.CABundle, o.TLS.ClientCertificate}, o.Scopes...), " ")
	}
	return t
}
