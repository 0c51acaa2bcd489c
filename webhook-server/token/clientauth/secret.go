package clientauth

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// bySecret authenticates by one of the pairs of id and secret that a request can mean.
func (a *Authenticator) bySecret(t attempt, method api.AuthMethod, pairs []pair) (Authenticated, Refusal) {
	if len(pairs) == 0 {
		return a.refuse(t, failure{reason: NoCredentials})
	}
	// The last pair is the decoded one: however the id is encoded, its failures are counted as one client's.
	suspect, ok := a.suspect(t, pairs[len(pairs)-1].id)
	if !ok {
		return Authenticated{}, TooManyFailures
	}
	client, credentialID, why := a.decoy.compare(t, method, pairs)
	if client == nil {
		return a.fail(t, suspect, why)
	}
	return a.succeed(t, client, method, credentialID)
}

// compare compares every pair with the live secrets of the client it names and answers nil when none is right. An unknown client
// costs what a known one does: its secret is hashed and compared with the decoy.
func (d decoy) compare(t attempt, method api.AuthMethod, pairs []pair) (right *serving.Client, credentialID string, why failure) {
	why.reason = UnknownClient
	for _, p := range pairs {
		client := t.find(t.snapshot, p.id)
		presented := api.DigestSecret(p.secret)
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
			case !live(c, t.now):
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
