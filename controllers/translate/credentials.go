package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// maxCredentials bounds the live secrets of a client; status.credentials has the same bound.
const maxCredentials = 8

// credentials are the live secrets of a client, the newest first.
type credentials struct {
	live []serving.Credential
	// waits says that the first one has been shown to nobody yet: until it is, people go by the one behind it.
	waits bool
	now   time.Time
	newID func() string
}

// previousCredentials answers what of the previous document is still alive.
func previousCredentials(in ClientInput) *credentials {
	c := &credentials{now: in.Now, newID: in.Generate.ID}
	if in.Previous != nil {
		c.live = liveCredentials(in.Previous.Credentials, in.Now)
	}
	return c
}

func liveCredentials(all []serving.Credential, now time.Time) []serving.Credential {
	return slices.DeleteFunc(slices.Clone(all), func(c serving.Credential) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now) })
}

// isCurrent says whether the text is that of the first secret.
func (c *credentials) isCurrent(text string) bool { return c.undecidedAt(0, text) }

// isBehindCurrent says whether the text is that of the second secret, whose end nobody has decided.
func (c *credentials) isBehindCurrent(text string) bool { return c.undecidedAt(1, text) }

func (c *credentials) undecidedAt(place int, text string) bool {
	return len(c.live) > place && c.live[place].ExpiresAt.IsZero() && c.find(text) == place
}

// knows says whether the text is one of the live secrets.
func (c *credentials) knows(text string) bool { return c.find(text) >= 0 }

// find answers the place of a secret, -1 when it is none of the live ones.
func (c *credentials) find(text string) int {
	if text == "" {
		return -1
	}
	digest := serving.DigestSecret(text)
	return slices.IndexFunc(c.live, func(k serving.Credential) bool { return k.Digest.Equal(digest) })
}

// use makes the secret the first one, and says whether that changed anything. One that comes back is listed once, as new: its uses and its age
// count from now.
func (c *credentials) use(text string) bool {
	if c.isCurrent(text) {
		return false
	}
	if i := c.find(text); i >= 0 {
		c.live = slices.Delete(c.live, i, i+1)
	}
	c.live = slices.Insert(c.live, 0, c.add(text))
	return true
}

func (c *credentials) add(text string) serving.Credential {
	return serving.Credential{ID: c.newID(), Digest: serving.DigestSecret(text), CreatedAt: c.now}
}

// firstFormer is the place of the newest of those that people have gone by before; the ones from there on are former ones.
func (c *credentials) firstFormer() int {
	if c.waits {
		return min(2, len(c.live))
	}
	return min(1, len(c.live))
}

// former answers the secrets that people have gone by before.
func (c *credentials) former() []serving.Credential { return c.live[c.firstFormer():] }

// nextExpiry answers when the first of the secrets stops working; zero when none does.
func nextExpiry(live []serving.Credential) time.Time {
	var next time.Time
	for _, c := range live {
		next = sooner(next, c.ExpiresAt)
	}
	return next
}

func credentialStatus(in ClientInput, live []serving.Credential) []v1alpha1.CredentialStatus {
	var all []v1alpha1.CredentialStatus
	for _, c := range live {
		all = append(all, v1alpha1.CredentialStatus{
			ID: c.ID, CreatedTime: statusTime(c.CreatedAt), ExpiryTime: statusTime(c.ExpiresAt), LastUsedTime: statusTime(lastUse(in, c.ID)),
		})
	}
	return all
}

// lastUse answers when a credential was last used; zero when no use is known. The status remembers what a replica has reported that is gone.
func lastUse(in ClientInput, id string) time.Time {
	at := believed(in.Uses[id], in.Now)
	for _, c := range in.Client.Status.Credentials {
		if c.ID == id {
			at = later(at, believed(c.LastUsedTime.Time, in.Now))
		}
	}
	return wholeSeconds(at)
}
