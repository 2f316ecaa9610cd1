printf 'some bytes' >file
cid=$(troupe file put file --replicas 2)
printf 'other bytes' >its-file
troupe file put its-file --replicas 2 --data "$other_data"
prints FilePut file put file --replicas 2
prints FileGot file get "$cid" -o copy
prints Files file ls
prints FileView file view "$cid"
has '"contents":[{'
prints 'FileCopy?,FileVerified' file verify "$cid"
prints 'FileCopy?,FileVerified' file verify
prints FileOwners file owners
prints FilePin file pin "$cid"
prints FilePin file unpin "$cid"
prints FileReleased file release "$other"
prints FileRemoved file rm "$cid"
