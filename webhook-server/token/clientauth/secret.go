package clientauth

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// bySecret authenticates by one of the pairs of id and secret that a request can mean.
func (a *Authenticator) bySecret(t attempt, method api.AuthMethod, pairs []pair) (Authenticated, Outcome) {
	if len(pairs) == 0 {
		return a.refuse(t, failure{reason: NoCredentials})
	}
	candidates := make([]candidate, len(pairs))
	for i, p := range pairs {
		candidates[i] = candidate{t.find(p.id), p.secret}
	}
	suspect, ok := a.admit(t, blamed(candidates), pairs[len(pairs)-1].id)
	if !ok {
		return Authenticated{}, TooManyFailures
	}
	client, credentialID, why := a.decoy.compare(t.now, method, candidates)
	if client == nil {
		return a.fail(t, suspect, why)
	}
	return a.succeed(t, client, method, credentialID)
}

// candidate is a secret with the client that it is said to be of, nil when nobody has that id.
type candidate struct {
	client *serving.Client
	secret string
}

// blamed answers whom a failure is counted against: the client whose id stands there as it is, else the one whose id it encodes. That
// way its failures are one count however the id is encoded, and none of them are counted against a client that merely could have been
// meant.
func blamed(candidates []candidate) *serving.Client {
	for _, c := range candidates {
		if c.client != nil {
			return c.client
		}
	}
	return nil
}

// compare compares every secret with the live ones of its client and answers nil when none is right. An unknown client costs what a
// known one does: its secret is hashed and compared with the decoy.
func (d decoy) compare(now time.Time, method api.AuthMethod, candidates []candidate) (right *serving.Client, credentialID string, why failure) {
	why.reason = UnknownClient
	for _, of := range candidates {
		client := of.client
		presented := api.DigestSecret(of.secret)
		credentials := d.credentials
		switch {
		case client == nil:
		case len(client.Credentials) == 0:
			why = failure{client: client, reason: MethodNotAllowed} // it has no secret: it authenticates otherwise
		default:
			credentials = client.Credentials
			why = failure{client: client, reason: WrongSecret}
		}
		// No early end: how long this takes tells nothing of which secret was the right one.
		for i := range credentials {
			c := &credentials[i]
			if !c.Digest.Equal(presented) || client == nil {
				continue
			}
			switch {
			case !client.Gateway.Allows(method):
				why.reason = MethodNotAllowed
			case client.Suspended:
				why.reason = Suspended
			case !live(c, now):
				why.reason = ExpiredSecret
			default:
				right, credentialID = client, c.ID
			}
		}
	}
	return right, credentialID, why
}

// live says whether a credential has not expired.
func live(c *api.Credential, now time.Time) bool {
	return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt)
}

// decoy stands in for the credentials of a client that does not exist.
type decoy struct{ credentials []api.Credential }

func newDecoy() decoy {
	var digest [sha256.Size]byte
	_, _ = rand.Read(digest[:]) // it never fails: crypto/rand ends the program instead
	return decoy{[]api.Credential{{Digest: digest}}}
}
