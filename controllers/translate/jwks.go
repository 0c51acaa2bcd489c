package translate

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/api/serving"
)

const (
	maxKeySetBytes = 32768
	maxPublicKeys  = 8
	maxKeyIDBytes  = 256

	// keyMaterial is the prefix of the ids of clients' public keys.
	keyMaterial = "key"
)

// parseKeySet reads a client's public keys from a JSON Web Key Set (RFC 7517 section 5); CreatedAt is left out. Members that it does not know
// are passed over, as the RFC says; one that stands twice is refused. No error repeats anything of the text: a private key may be in it.
func parseKeySet(text string) ([]serving.PublicKey, error) {
	if len(text) > maxKeySetBytes {
		return nil, fmt.Errorf("it has more than %d bytes", maxKeySetBytes)
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, errors.New("it " + isPrivate)
	}
	if !json.Valid([]byte(text)) {
		return nil, errors.New("it is not JSON")
	}
	set, err := membersOf([]byte(text))
	switch {
	case holdsPrivateKey(set):
		return nil, errors.New("it " + isPrivate)
	case err != nil:
		return nil, fmt.Errorf("it %w", err)
	case set["keys"] == nil && set["kty"] != nil:
		return nil, errors.New("it is one key and no set of keys: put it into the list of the member keys")
	}
	list, err := keysOf(set["keys"])
	if err != nil {
		return nil, err
	}
	return publicKeys(list)
}

// keysOf answers the members of every key. A private key is reported before anything else that is wrong with the set.
func keysOf(raw json.RawMessage) ([]map[string]json.RawMessage, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return nil, errors.New("its member keys is not a list")
	}
	var first error
	all := make([]map[string]json.RawMessage, len(list))
	for i, raw := range list {
		members, err := membersOf(raw)
		if holdsPrivateKey(members) {
			return nil, fmt.Errorf("keys[%d] %s", i, isPrivate)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("keys[%d] %w", i, err)
		}
		all[i] = members
	}
	if len(list) < 1 || len(list) > maxPublicKeys {
		return nil, fmt.Errorf("it has %d keys, not 1 to %d", len(list), maxPublicKeys)
	}
	return all, first
}

func publicKeys(list []map[string]json.RawMessage) ([]serving.PublicKey, error) {
	keys := make([]serving.PublicKey, 0, len(list))
	for i, members := range list {
		key, err := publicKey(members)
		if err != nil {
			return nil, fmt.Errorf("keys[%d] %w", i, err)
		}
		if j := slices.IndexFunc(keys, func(k serving.PublicKey) bool { return k.ID == key.ID }); j >= 0 {
			return nil, fmt.Errorf("keys[%d] is the same key as keys[%d]; one that verifies two algorithms stands once, without alg", i, j)
		}
		if j := slices.IndexFunc(keys, func(k serving.PublicKey) bool { return k.KeyID != "" && k.KeyID == key.KeyID }); j >= 0 {
			return nil, fmt.Errorf("keys[%d] has the kid of keys[%d]", i, j)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// publicKey reads one key (RFC 7517 section 4) that signs assertions.
func publicKey(members map[string]json.RawMessage) (serving.PublicKey, error) {
	material, err := keyMaterialOf(members)
	if err != nil {
		return serving.PublicKey{}, err
	}
	if err := forVerification(members); err != nil {
		return serving.PublicKey{}, err
	}
	algorithm, err := algorithmOf(members, material)
	if err != nil {
		return serving.PublicKey{}, err
	}
	kid, given, err := textMember(members, "kid")
	if err != nil {
		return serving.PublicKey{}, err
	}
	if given && (kid == "" || len(kid) > maxKeyIDBytes) {
		return serving.PublicKey{}, fmt.Errorf("has a kid that is not 1 to %d bytes", maxKeyIDBytes)
	}
	der, err := x509.MarshalPKIXPublicKey(material.key)
	if err != nil {
		return serving.PublicKey{}, errors.New("cannot be written in PKIX form")
	}
	digest := sha256.Sum256(der)
	return serving.PublicKey{
		ID:        keyMaterial + "-" + hex.EncodeToString(digest[:8]),
		KeyID:     kid,
		Algorithm: algorithm,
		PEM:       string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}, nil
}

// forVerification checks that the key, by its own word, may verify signatures (RFC 7517 sections 4.2 and 4.3).
func forVerification(members map[string]json.RawMessage) error {
	use, given, err := textMember(members, "use")
	if err != nil {
		return err
	}
	if given && use != "sig" {
		return errors.New(`has another use than "sig"`)
	}
	raw, given := members["key_ops"]
	if !given {
		return nil
	}
	var operations []string
	if err := json.Unmarshal(raw, &operations); err != nil || !slices.Contains(operations, "verify") {
		return errors.New(`has key_ops without "verify"`)
	}
	return nil
}

// algorithmOf answers the algorithm that the key verifies, "" for both of an RSA key.
func algorithmOf(members map[string]json.RawMessage, material keyAndAlgorithms) (string, error) {
	alg, given, err := textMember(members, "alg")
	switch {
	case err != nil:
		return "", err
	case given && !slices.Contains(material.algorithms, alg):
		return "", fmt.Errorf("has an alg that does not go with it: leave it out, or write %s", strings.Join(material.algorithms, " or "))
	case material.both:
		return alg, nil
	default:
		return material.algorithms[0], nil
	}
}

// isPrivate says what a key that should never have come here means.
const isPrivate = "holds a private or symmetric key, which was readable in the cluster and may be in its backups and audit log: " +
	"make a new key, and list only its public part"

// holdsPrivateKey looks for the members of private keys (RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2).
func holdsPrivateKey(members map[string]json.RawMessage) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := members[name]; there {
			return true
		}
	}
	kty, _, err := textMember(members, "kty")
	return err == nil && kty == "oct"
}

// membersOf answers the members of a JSON object, with their names as they are written. After an error it answers those before it.
func membersOf(raw json.RawMessage) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	var twice error
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return members, errors.New("is not a JSON object")
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return members, errors.New("is not a JSON object")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return members, errors.New("is not a JSON object")
		}
		if _, there := members[name]; there {
			twice = errors.New("has a member twice")
		}
		members[name] = value
	}
	return members, twice
}

// textMember answers a member that is text, and whether it is there.
func textMember(members map[string]json.RawMessage, name string) (string, bool, error) {
	raw, there := members[name]
	if !there {
		return "", false, nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", true, fmt.Errorf("has a member %s that is not text", name)
	}
	return *text, true, nil
}
