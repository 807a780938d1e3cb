// Certificates for a test, made by the openssl command in a directory of its own, so that none in the repository expires.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
  // `directory` is there, and the caller's; two authorities need two names.
  constructor(directory, name) {
    this.directory = directory;
    this.name = name;
    this.openssl('req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '30', '-subj', `/CN=${name}`);
    this.certificate = this.file(`${name}.pem`);
  }

  file(name) {
    return path.join(this.directory, name);
  }

  openssl(...args) {
    execFileSync('openssl', args, {cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe']});
  }

  // Gives the paths and the contents of a certificate for `names`, which are as in "DNS:localhost,IP:127.0.0.1".
  issue(name, names, days = 30) {
    const [certificate, private_key] = [`${this.name}-${name}.crt`, `${this.name}-${name}.key`];
    this.openssl('req', '-x509', ...key, '-keyout', private_key, '-out', certificate, '-days', `${days}`, '-subj', `/CN=${name}`,
      '-CA', `${this.name}.pem`, '-CAkey', `${this.name}.key`, '-addext', 'basicConstraints=critical,CA:FALSE',
      '-addext', `subjectAltName=${names}`);
    return {
      certificate_path: this.file(certificate), key_path: this.file(private_key),
      cert: fs.readFileSync(this.file(certificate)), key: fs.readFileSync(this.file(private_key)),
    };
  }

  // Puts the key under a password; gives the path of the file that holds it.
  encrypt(key_path, password) {
    const plain = `${key_path}.plain`;
    fs.renameSync(key_path, plain);
    this.openssl('pkcs8', '-topk8', '-in', plain, '-out', key_path, '-passout', `pass:${password}`);
    fs.rmSync(plain);
    fs.writeFileSync(`${key_path}.password`, `${password}\n`);
    return `${key_path}.password`;
  }
}
