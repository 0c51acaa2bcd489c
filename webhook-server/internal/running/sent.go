package running

import (
	"net/url"
	"strings"
)

// secretParameters are what a form holds that must be seen nowhere else.
var secretParameters = []string{"client_secret", "client_assertion", "token", "access_token"}

// chanceLength is how long a value must be to stand nowhere by chance.
const chanceLength = 16

// keepSent plants what a form body says in confidence: credentials, and tokens that are asked about or revoked.
func (w *World) keepSent(body string) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return // no form, or a malformed one that the server does not take either
	}
	for _, name := range secretParameters {
		for _, value := range form[name] {
			w.plantToken(value)
		}
	}
}

// plantToken plants a value and, of a JWT, the signature, without which the rest is no secret.
func (w *World) plantToken(value string) {
	parts := strings.Split(value, ".")
	for _, secret := range []string{value, parts[len(parts)-1]} {
		if len(secret) >= chanceLength {
			w.Planted(secret)
		}
	}
}
