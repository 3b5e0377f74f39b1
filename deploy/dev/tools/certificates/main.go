// Writes the certificates of a local cluster: one authority and what it signs.
// Node's own crypto module reads X.509 certificates but cannot make them.
//
// Standard input is {"directory": "...", "certificates": [{"name", "commonName", "organizations", "hosts"}]}.
// Files that exist are kept, so that a second run repairs instead of replacing.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

type request struct {
	Name          string   `json:"name"`
	CommonName    string   `json:"commonName"`
	Organizations []string `json:"organizations"`
	Hosts         []string `json:"hosts"`
}

type plan struct {
	Directory    string    `json:"directory"`
	Certificates []request `json:"certificates"`
}

// A year is longer than any local cluster lives; a day back tolerates clocks that differ.
const lifetime = 365 * 24 * time.Hour

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "certificates:", err)
		os.Exit(1)
	}
}

func run() error {
	var wanted plan
	if err := json.NewDecoder(os.Stdin).Decode(&wanted); err != nil {
		return fmt.Errorf("read the plan from standard input: %w", err)
	}
	if err := os.MkdirAll(wanted.Directory, 0o700); err != nil {
		return err
	}
	authority, authorityKey, err := loadOrMakeAuthority(wanted.Directory)
	if err != nil {
		return err
	}
	if err := makeServiceAccountKey(wanted.Directory); err != nil {
		return err
	}
	for _, one := range wanted.Certificates {
		if err := issue(wanted.Directory, one, authority, authorityKey); err != nil {
			return fmt.Errorf("certificate %s: %w", one.Name, err)
		}
	}
	return nil
}

func loadOrMakeAuthority(directory string) (*x509.Certificate, crypto.Signer, error) {
	if certificate, key, err := load(directory, "ca"); err == nil {
		return certificate, key, nil
	}
	template := newTemplate("stepwise-dev-ca", nil)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	if err := signAndWrite(directory, "ca", template, nil, nil); err != nil {
		return nil, nil, err
	}
	return load(directory, "ca")
}

func issue(directory string, wanted request, authority *x509.Certificate, authorityKey crypto.Signer) error {
	if _, _, err := load(directory, wanted.Name); err == nil {
		return nil
	}
	template := newTemplate(wanted.CommonName, wanted.Organizations)
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	for _, host := range wanted.Hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return signAndWrite(directory, wanted.Name, template, authority, authorityKey)
}

func newTemplate(commonName string, organizations []string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName, Organization: organizations},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(lifetime),
	}
}

// signAndWrite makes a key and writes NAME.key, then NAME.crt; with no authority the certificate signs itself.
func signAndWrite(directory, name string, template, authority *x509.Certificate, authorityKey crypto.Signer) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if authority == nil {
		authority, authorityKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	if err := writeKey(directory, name, key); err != nil {
		return err
	}
	return writePem(filepath.Join(directory, name+".crt"), "CERTIFICATE", der, 0o644)
}

// makeServiceAccountKey writes the key pair with which tokens are signed and checked.
func makeServiceAccountKey(directory string) error {
	if _, err := os.Stat(filepath.Join(directory, "service-account.pub")); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := writeKey(directory, "service-account", key); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return writePem(filepath.Join(directory, "service-account.pub"), "PUBLIC KEY", der, 0o644)
}

func writeKey(directory, name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePem(filepath.Join(directory, name+".key"), "EC PRIVATE KEY", der, 0o600)
}

func writePem(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

func load(directory, name string) (*x509.Certificate, crypto.Signer, error) {
	certificateDer, err := readPem(filepath.Join(directory, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	keyDer, err := readPem(filepath.Join(directory, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(certificateDer)
	if err != nil {
		return nil, nil, err
	}
	if time.Now().After(certificate.NotAfter) {
		return nil, nil, fmt.Errorf("%s.crt has expired", name)
	}
	key, err := x509.ParseECPrivateKey(keyDer)
	return certificate, key, err
}

func readPem(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}
